"""Create API keys.

Revision ID: 0004_api_keys
Revises: 0003_jobs
Create Date: 2017-01-19 11:31:20.031676

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_api_keys"
down_revision = "0003_jobs"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("secret", sa.String(255), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("expiry_date", sa.DateTime(), nullable=True),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("secret", name="uq_api_keys_secret"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_api_keys_service_id_services"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_api_keys_created_by_id_users"),
    )
    op.create_index("ix_api_keys_service_id", "api_keys", ["service_id"])
    op.create_index("ix_api_keys_created_by_id", "api_keys", ["created_by_id"])


def downgrade() -> None:
    op.drop_table("api_keys")
