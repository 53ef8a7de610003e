"""Tell services what became of their messages.

Revision ID: 0051_service_callback_api
Revises: 0050_validate_mobile_check
Create Date: 2018-07-19 09:44:30.403869

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051_service_callback_api"
down_revision = "0050_validate_mobile_check"

CALLBACK_TYPE = postgresql.ENUM("delivery_status", "complaint", name="callback_type", create_type=False)


def _columns() -> list[sa.Column]:
    return [
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("callback_type", CALLBACK_TYPE, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("bearer_token", sa.String(), nullable=False),
        sa.Column("updated_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
    ]


def upgrade() -> None:
    CALLBACK_TYPE.create(op.get_bind())
    op.create_table(
        "service_callback_api",
        *_columns(),
        sa.PrimaryKeyConstraint("id", name="pk_service_callback_api"),
        sa.UniqueConstraint(
            "service_id", "callback_type", name="uq_service_callback_api_service_id_callback_type"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_callback_api_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["updated_by_id"], ["users.id"], name="fk_service_callback_api_updated_by_id_users"
        ),
    )
    op.create_table(
        "service_callback_api_history",
        *_columns(),
        sa.PrimaryKeyConstraint("id", "version", name="pk_service_callback_api_history"),
    )
    op.create_index(
        "ix_service_callback_api_history_service_id", "service_callback_api_history", ["service_id"]
    )


def downgrade() -> None:
    op.drop_table("service_callback_api_history")
    op.drop_table("service_callback_api")
    CALLBACK_TYPE.drop(op.get_bind())
