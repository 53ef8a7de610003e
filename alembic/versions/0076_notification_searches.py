"""Index what the dashboard and the timeout task look for.

Revision ID: 0076_notification_searches
Revises: 0075_one_off_messages
Create Date: 2020-04-30 10:05:44.601844

"""

import sqlalchemy as sa
from alembic import op

revision = "0076_notification_searches"
down_revision = "0075_one_off_messages"

INDEXES = {
    "ix_notifications_client_reference": ["client_reference"],
    "ix_notifications_type_status_created_at": ["notification_type", "notification_status", "created_at"],
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, columns in INDEXES.items():
            op.create_index(name, "notifications", columns, postgresql_concurrently=True)
        op.create_index(
            "ix_notifications_created_at_underway",
            "notifications",
            ["created_at"],
            postgresql_where=sa.text("notification_status IN ('created', 'sending', 'pending')"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in ("ix_notifications_created_at_underway", *INDEXES):
            op.drop_index(name, "notifications", postgresql_concurrently=True)
