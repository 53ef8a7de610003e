"""Write the first version of what exists into the history.

Revision ID: 0010_fill_history
Revises: 0009_history_tables
Create Date: 2017-02-16 16:02:51.079190

"""

from alembic import op

revision = "0010_fill_history"
down_revision = "0009_history_tables"

COLUMNS = {
    "services": (
        "id, version, name, active, message_limit, restricted, email_from, sms_sender,"
        " created_by_id, created_at, updated_at"
    ),
    "templates": (
        "id, version, name, template_type, subject, content, service_id,"
        " created_by_id, created_at, updated_at"
    ),
    "api_keys": "id, version, name, secret, service_id, expiry_date, created_by_id, created_at, updated_at",
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        op.execute(f"INSERT INTO {table}_history ({columns}) SELECT {columns} FROM {table}")


def downgrade() -> None:
    for table in COLUMNS:
        op.execute(f"DELETE FROM {table}_history")
