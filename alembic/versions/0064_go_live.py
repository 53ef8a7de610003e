"""Write down what a service said when it asked to go live.

Revision ID: 0064_go_live
Revises: 0063_service_limits
Create Date: 2019-04-04 10:58:21.506816

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0064_go_live"
down_revision = "0063_service_limits"


def _columns() -> list[sa.Column]:
    return [
        sa.Column("volume_sms", sa.Integer(), nullable=True),
        sa.Column("volume_email", sa.Integer(), nullable=True),
        sa.Column("consent_to_research", sa.Boolean(), nullable=True),
        sa.Column("count_as_live", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("go_live_user_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("go_live_at", sa.DateTime(), nullable=True),
    ]


def upgrade() -> None:
    for table in ("services", "services_history"):
        for column in _columns():
            op.add_column(table, column)
    op.create_foreign_key(
        "fk_services_go_live_user_id_users", "services", "users", ["go_live_user_id"], ["id"]
    )
    op.execute(
        "UPDATE services SET count_as_live = false FROM users"
        " WHERE users.id = services.created_by_id AND users.platform_admin"
    )


def downgrade() -> None:
    for table in ("services", "services_history"):
        for column in _columns():
            op.drop_column(table, column.name)
