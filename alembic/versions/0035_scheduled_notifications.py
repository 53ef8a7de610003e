"""Let a notification wait for its hour.

Revision ID: 0035_scheduled_notifications
Revises: 0034_drop_international_flag
Create Date: 2017-12-04 16:30:49.277165

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035_scheduled_notifications"
down_revision = "0034_drop_international_flag"


def upgrade() -> None:
    op.create_table(
        "scheduled_notifications",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notification_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("scheduled_for", sa.DateTime(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scheduled_notifications"),
        sa.ForeignKeyConstraint(
            ["notification_id"],
            ["notifications.id"],
            name="fk_scheduled_notifications_notification_id_notifications",
        ),
    )
    op.create_index(
        "ix_scheduled_notifications_notification_id", "scheduled_notifications", ["notification_id"]
    )
    op.create_index("ix_scheduled_notifications_scheduled_for", "scheduled_notifications", ["scheduled_for"])


def downgrade() -> None:
    op.drop_table("scheduled_notifications")
