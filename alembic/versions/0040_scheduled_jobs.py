"""Let a job wait for its hour.

Revision ID: 0040_scheduled_jobs
Revises: 0039_notification_indexes
Create Date: 2018-03-12 13:42:08.316760

"""

import sqlalchemy as sa
from alembic import op

revision = "0040_scheduled_jobs"
down_revision = "0039_notification_indexes"

COUNTS = ("notifications_sent", "notifications_delivered", "notifications_failed")


def upgrade() -> None:
    op.add_column("jobs", sa.Column("scheduled_for", sa.DateTime(), nullable=True))
    for count in COUNTS:
        op.add_column("jobs", sa.Column(count, sa.Integer(), server_default="0", nullable=False))
        op.alter_column("jobs", count, server_default=None)


def downgrade() -> None:
    for count in COUNTS:
        op.drop_column("jobs", count)
    op.drop_column("jobs", "scheduled_for")
