"""Prepare for each notification to have a service.

Revision ID: 0069_service_id_check
Revises: 0068_email_access_validated
Create Date: 2019-08-15 10:12:50.546411

"""

from alembic import op

revision = "0069_service_id_check"
down_revision = "0068_email_access_validated"


def upgrade() -> None:
    op.execute("DELETE FROM notifications WHERE service_id IS NULL")
    op.execute(
        "ALTER TABLE notifications ADD CONSTRAINT ck_notifications_service_id"
        " CHECK (service_id IS NOT NULL) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_notifications_service_id"), "notifications", type_="check")
