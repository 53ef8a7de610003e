"""Limit how fast a service sends, and let it put its name before its texts.

Revision ID: 0063_service_limits
Revises: 0062_invited_folder_permissions
Create Date: 2019-03-14 13:27:09.498897

"""

import sqlalchemy as sa
from alembic import op

revision = "0063_service_limits"
down_revision = "0062_invited_folder_permissions"

TABLES = ("services", "services_history")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("rate_limit", sa.Integer(), server_default="3000", nullable=False))
        op.add_column(table, sa.Column("contact_link", sa.String(255), nullable=True))
        op.add_column(table, sa.Column("prefix_sms", sa.Boolean(), nullable=True))
        op.execute(f"UPDATE {table} SET prefix_sms = true")
        op.alter_column(table, "prefix_sms", nullable=False)


def downgrade() -> None:
    for table in TABLES:
        for column in ("prefix_sms", "contact_link", "rate_limit"):
            op.drop_column(table, column)
