"""Count what is billed, not the characters.

Revision ID: 0020_billable_units
Revises: 0019_notification_history
Create Date: 2017-06-01 09:59:41.158380

"""

import sqlalchemy as sa
from alembic import op

revision = "0020_billable_units"
down_revision = "0019_notification_history"

TABLES = ("notifications", "notification_history")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("billable_units", sa.Integer(), nullable=True))
        op.execute(
            f"""
            UPDATE {table}
               SET billable_units = CASE
                     WHEN notification_type <> 'sms' THEN 0
                     WHEN content_char_count <= 160 THEN 1
                     ELSE coalesce(ceil(content_char_count / 153.0)::integer, 0)
                   END
            """
        )
        op.alter_column(table, "billable_units", nullable=False)
        op.drop_column(table, "content_char_count")


def downgrade() -> None:
    # The exact count is gone; the largest that gives the same bill stands in for it.
    for table in TABLES:
        op.add_column(table, sa.Column("content_char_count", sa.Integer(), nullable=True))
        op.execute(f"UPDATE {table} SET content_char_count = billable_units * 153 WHERE billable_units > 0")
        op.drop_column(table, "billable_units")
