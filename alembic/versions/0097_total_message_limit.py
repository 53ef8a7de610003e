"""Limit what a service sends in all, and let limits grow beyond two billion.

Revision ID: 0097_total_message_limit
Revises: 0096_local_date
Create Date: 2022-10-06 09:28:14.768143

"""

import sqlalchemy as sa
from alembic import op

revision = "0097_total_message_limit"
down_revision = "0096_local_date"

TABLES = ("services", "services_history")


def upgrade() -> None:
    for table in TABLES:
        op.alter_column(table, "message_limit", type_=sa.BigInteger(), existing_type=sa.Integer())
        op.add_column(table, sa.Column("total_message_limit", sa.BigInteger(), nullable=True))
        op.execute(f"UPDATE {table} SET total_message_limit = 100000")
        op.alter_column(table, "total_message_limit", nullable=False)


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "total_message_limit")
        op.execute(f"UPDATE {table} SET message_limit = least(message_limit, 2147483647)")
        op.alter_column(table, "message_limit", type_=sa.Integer(), existing_type=sa.BigInteger())
