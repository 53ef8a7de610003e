"""Let a service in trial mode write to a few people outside the team.

Revision ID: 0023_service_whitelist
Revises: 0022_drop_jobs_status
Create Date: 2017-07-05 14:57:49.182137

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023_service_whitelist"
down_revision = "0022_drop_jobs_status"


def upgrade() -> None:
    op.create_table(
        "service_whitelist",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("recipient_type", sa.Enum("mobile", "email", name="recipient_type"), nullable=False),
        sa.Column("recipient", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_whitelist"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_whitelist_service_id_services"
        ),
    )
    op.create_index("ix_service_whitelist_service_id", "service_whitelist", ["service_id"])


def downgrade() -> None:
    op.drop_table("service_whitelist")
    op.execute("DROP TYPE recipient_type")
