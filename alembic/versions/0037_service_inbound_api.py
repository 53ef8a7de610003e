"""Pass received messages on to an address of the service.

Revision ID: 0037_service_inbound_api
Revises: 0036_inbound_sms
Create Date: 2018-01-25 09:38:14.293003

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037_service_inbound_api"
down_revision = "0036_inbound_sms"


def _columns() -> list[sa.Column]:
    return [
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("bearer_token", sa.String(), nullable=False),
        sa.Column("updated_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "service_inbound_api",
        *_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_service_inbound_api"),
        sa.UniqueConstraint("service_id", name="uq_service_inbound_api_service_id"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_inbound_api_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["users.id"], name="fk_service_inbound_api_updated_by_id_users"
        ),
    )
    op.create_index("ix_service_inbound_api_updated_by_id", "service_inbound_api", ["updated_by_id"])
    op.create_table(
        "service_inbound_api_history",
        *_columns(),
        sa.PrimaryKeyConstraint("id", "version", name="pk_service_inbound_api_history"),
    )
    op.create_index(
        "ix_service_inbound_api_history_service_id", "service_inbound_api_history", ["service_id"]
    )


def downgrade() -> None:
    op.drop_table("service_inbound_api_history")
    op.drop_table("service_inbound_api")
