"""Keep what the provider says about a message, and show its cost in the view.

Revision ID: 0098_carrier_and_cost
Revises: 0097_total_message_limit
Create Date: 2023-01-12 15:45:03.776062

"""

import sqlalchemy as sa
from alembic import op

revision = "0098_carrier_and_cost"
down_revision = "0097_total_message_limit"

TABLES = ("notifications", "notification_history")
COLUMNS = (
    "id, job_id, job_row_number, service_id, template_id, template_version, api_key_id, key_type,"
    " notification_type, notification_status, billable_units, international, created_at, sent_at, sent_by"
)


def _view(columns: str) -> str:
    return (
        f"VIEW notifications_all_time AS SELECT {columns} FROM notifications"
        f" UNION ALL SELECT {columns} FROM notification_history"
    )


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("carrier", sa.Text(), nullable=True))
        op.add_column(table, sa.Column("message_cost", sa.Numeric(10, 5), nullable=True))
    op.add_column("notifications", sa.Column("provider_response", sa.Text(), nullable=True))
    op.execute("CREATE OR REPLACE " + _view(f"{COLUMNS}, carrier, message_cost"))


def downgrade() -> None:
    # A view can be given columns in place, but not robbed of them.
    op.execute("DROP VIEW notifications_all_time")
    op.execute("CREATE " + _view(COLUMNS))
    op.drop_column("notifications", "provider_response")
    for table in TABLES:
        op.drop_column(table, "message_cost")
        op.drop_column(table, "carrier")
