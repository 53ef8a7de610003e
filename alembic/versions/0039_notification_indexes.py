"""Index notifications for the activity page, while messages go out.

Revision ID: 0039_notification_indexes
Revises: 0038_template_redacted
Create Date: 2018-02-22 10:55:43.308841

"""

from alembic import op

revision = "0039_notification_indexes"
down_revision = "0038_template_redacted"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notifications_service_id_created_at",
            "notifications",
            ["service_id", "created_at"],
            postgresql_concurrently=True,
        )
        op.create_index(
            "ix_notifications_created_at", "notifications", ["created_at"], postgresql_concurrently=True
        )
        op.drop_index("ix_notifications_service_id", "notifications", postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notifications_service_id", "notifications", ["service_id"], postgresql_concurrently=True
        )
        op.drop_index("ix_notifications_created_at", "notifications", postgresql_concurrently=True)
        op.drop_index("ix_notifications_service_id_created_at", "notifications", postgresql_concurrently=True)
