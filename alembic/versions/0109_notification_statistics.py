"""Tell the planner that a template has one service.

Revision ID: 0109_notification_statistics
Revises: 0108_message_number
Create Date: 2024-02-08 15:59:40.863171

"""

from alembic import op

revision = "0109_notification_statistics"
down_revision = "0108_message_number"


def upgrade() -> None:
    op.execute(
        "CREATE STATISTICS st_notifications_service_id_template_id (dependencies)"
        " ON service_id, template_id FROM notifications"
    )


def downgrade() -> None:
    op.execute("DROP STATISTICS st_notifications_service_id_template_id")
