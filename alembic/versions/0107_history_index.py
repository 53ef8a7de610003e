"""Answer the monthly report from an index alone.

Revision ID: 0107_history_index
Revises: 0106_late_messages
Create Date: 2023-11-16 14:48:19.847333

"""

from alembic import op

revision = "0107_history_index"
down_revision = "0106_late_messages"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notification_history_service_id_created_at",
            "notification_history",
            ["service_id", "created_at"],
            postgresql_include=["notification_type", "notification_status"],
            postgresql_concurrently=True,
        )
        op.drop_index("ix_notification_history_service_id", postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notification_history_service_id",
            "notification_history",
            ["service_id"],
            postgresql_concurrently=True,
        )
        op.drop_index("ix_notification_history_service_id_created_at", postgresql_concurrently=True)
