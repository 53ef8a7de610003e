"""Name the day of the facts after no time zone.

Revision ID: 0096_local_date
Revises: 0095_clearer_column_names
Create Date: 2022-08-11 14:17:55.760224

"""

from alembic import op

revision = "0096_local_date"
down_revision = "0095_clearer_column_names"

TABLES = ("ft_billing", "ft_notification_status")


def upgrade() -> None:
    for table in TABLES:
        op.alter_column(table, "bst_date", new_column_name="local_date")
    op.execute("ALTER INDEX ix_ft_billing_bst_date RENAME TO ix_ft_billing_local_date")


def downgrade() -> None:
    op.execute("ALTER INDEX ix_ft_billing_local_date RENAME TO ix_ft_billing_bst_date")
    for table in TABLES:
        op.alter_column(table, "local_date", new_column_name="bst_date")
