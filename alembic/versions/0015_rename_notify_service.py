"""Call the seeded service by the name people know.

Revision ID: 0015_rename_notify_service
Revises: 0014_notify_service
Create Date: 2017-04-03 09:14:28.118785

"""

from alembic import op

revision = "0015_rename_notify_service"
down_revision = "0014_notify_service"

SERVICE_ID = "3c068010-5bfe-4bca-bf39-33b43a52ed7f"


def _rename(name: str, email_from: str) -> None:
    for table in ("services", "services_history"):
        op.execute(
            f"UPDATE {table} SET name = '{name}', email_from = '{email_from}' WHERE id = '{SERVICE_ID}'"
        )


def upgrade() -> None:
    _rename("Notify.example", "notify")


def downgrade() -> None:
    _rename("GOV Notify", "gov.notify")
