"""Check the statuses of the notifications that are there.

Revision ID: 0032_validate_status_key
Revises: 0031_notification_status_text
Create Date: 2017-10-19 11:40:07.253408

"""

from alembic import op

revision = "0032_validate_status_key"
down_revision = "0031_notification_status_text"

NAME = "fk_notifications_notification_status_notification_status_types"


def upgrade() -> None:
    op.execute(f"ALTER TABLE notifications VALIDATE CONSTRAINT {NAME}")


def downgrade() -> None:
    op.drop_constraint(NAME, "notifications", type_="foreignkey")
    op.execute(
        f"ALTER TABLE notifications ADD CONSTRAINT {NAME} FOREIGN KEY (notification_status)"
        " REFERENCES notification_status_types (name) NOT VALID"
    )
