"""Store the key type and the channel with each notification.

Revision ID: 0018_notification_key_type
Revises: 0017_key_types
Create Date: 2017-05-04 10:25:16.142542

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_notification_key_type"
down_revision = "0017_key_types"

NOTIFICATION_TYPE = postgresql.ENUM("email", "sms", "letter", name="notification_type", create_type=False)


def upgrade() -> None:
    op.add_column("notifications", sa.Column("key_type", sa.String(), nullable=True))
    op.add_column("notifications", sa.Column("notification_type", NOTIFICATION_TYPE, nullable=True))
    op.execute(
        """
        UPDATE notifications
           SET key_type = coalesce((SELECT k.key_type FROM api_keys k WHERE k.id = api_key_id), 'normal'),
               notification_type = t.template_type::text::notification_type
          FROM templates t
         WHERE t.id = notifications.template_id
        """
    )
    op.alter_column("notifications", "key_type", nullable=False)
    op.alter_column("notifications", "notification_type", nullable=False)
    op.create_foreign_key(
        "fk_notifications_key_type_key_types", "notifications", "key_types", ["key_type"], ["name"]
    )


def downgrade() -> None:
    op.drop_column("notifications", "notification_type")
    op.drop_column("notifications", "key_type")
