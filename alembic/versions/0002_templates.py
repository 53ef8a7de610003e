"""Create templates.

Revision ID: 0002_templates
Revises: 0001_initial
Create Date: 2017-01-11 15:40:03.015838

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_templates"
down_revision = "0001_initial"


def upgrade() -> None:
    op.create_table(
        "templates",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("template_type", sa.Enum("sms", "email", "letter", name="template_type"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.UniqueConstraint("subject", name="uq_templates_subject"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_templates_service_id_services"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_templates_created_by_id_users"),
    )
    op.create_index("ix_templates_service_id", "templates", ["service_id"])
    op.create_index("ix_templates_created_by_id", "templates", ["created_by_id"])


def downgrade() -> None:
    op.drop_table("templates")
    op.execute("DROP TYPE template_type")
