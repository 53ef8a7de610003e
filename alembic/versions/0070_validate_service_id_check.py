"""Check that each notification has a service.

Revision ID: 0070_validate_service_id_check
Revises: 0069_service_id_check
Create Date: 2019-08-15 10:40:33.554330

"""

from alembic import op

revision = "0070_validate_service_id_check"
down_revision = "0069_service_id_check"


def upgrade() -> None:
    op.execute("ALTER TABLE notifications VALIDATE CONSTRAINT ck_notifications_service_id")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE notifications DROP CONSTRAINT ck_notifications_service_id,"
        " ADD CONSTRAINT ck_notifications_service_id CHECK (service_id IS NOT NULL) NOT VALID"
    )
