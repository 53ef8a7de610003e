"""Turn the status of a notification from an enum into text with a lookup table.

Revision ID: 0031_notification_status_text
Revises: 0030_invite_status_lookup
Create Date: 2017-10-19 11:02:53.245489

"""

import sqlalchemy as sa
from alembic import op

revision = "0031_notification_status_text"
down_revision = "0030_invite_status_lookup"

STATUSES = (
    "created",
    "sending",
    "pending",
    "sent",
    "delivered",
    "failed",
    "technical-failure",
    "temporary-failure",
    "permanent-failure",
)
TABLES = ("notifications", "notification_history")
FOREIGN_KEY = "fk_notifications_notification_status_notification_status_types"


def upgrade() -> None:
    lookup = op.create_table(
        "notification_status_types",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_notification_status_types"),
    )
    op.bulk_insert(lookup, [{"name": status} for status in STATUSES])
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ALTER COLUMN status TYPE varchar USING status::varchar")
        op.alter_column(table, "status", new_column_name="notification_status")
    op.execute("DROP TYPE notify_status_types")
    # Checking the rows that are there is left to the next migration: it takes a weaker lock.
    op.execute(
        f"ALTER TABLE notifications ADD CONSTRAINT {FOREIGN_KEY} FOREIGN KEY (notification_status)"
        " REFERENCES notification_status_types (name) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(FOREIGN_KEY, "notifications", type_="foreignkey")
    sa.Enum(*STATUSES, name="notify_status_types").create(op.get_bind())
    for table in TABLES:
        op.alter_column(table, "notification_status", new_column_name="status")
        op.execute(
            f"ALTER TABLE {table} ALTER COLUMN status TYPE notify_status_types"
            " USING status::notify_status_types"
        )
    op.drop_table("notification_status_types")
