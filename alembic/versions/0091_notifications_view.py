"""Show notifications, recent and past, as one.

Revision ID: 0091_notifications_view
Revises: 0090_email_has_subject
Create Date: 2022-03-17 15:04:51.720629

"""

from alembic import op

revision = "0091_notifications_view"
down_revision = "0090_email_has_subject"

COLUMNS = (
    "id, job_id, job_row_number, service_id, template_id, template_version, api_key_id, key_type,"
    " notification_type, notification_status, billable_units, international, created_at, sent_at, sent_by"
)


def upgrade() -> None:
    op.execute(
        f"""
        CREATE VIEW notifications_all_time AS
        SELECT {COLUMNS} FROM notifications
        UNION ALL
        SELECT {COLUMNS} FROM notification_history
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW notifications_all_time")
