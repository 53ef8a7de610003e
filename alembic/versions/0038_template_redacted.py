"""Hide what was filled into a template once it is sent.

Revision ID: 0038_template_redacted
Revises: 0037_service_inbound_api
Create Date: 2018-02-08 15:51:20.300922

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038_template_redacted"
down_revision = "0037_service_inbound_api"


def upgrade() -> None:
    op.create_table(
        "template_redacted",
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("redact_personalisation", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("updated_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name="pk_template_redacted"),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name="fk_template_redacted_template_id_templates"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["users.id"], name="fk_template_redacted_updated_by_id_users"
        ),
    )
    op.create_index("ix_template_redacted_updated_by_id", "template_redacted", ["updated_by_id"])
    op.execute(
        """
        INSERT INTO template_redacted (template_id, redact_personalisation, updated_at, updated_by_id)
        SELECT id, name = 'Sign-in code', now(), created_by_id FROM templates
        """
    )


def downgrade() -> None:
    op.drop_table("template_redacted")
