"""Let members send single messages, and callers pass a reference of their own.

Revision ID: 0075_one_off_messages
Revises: 0074_job_row_number
Create Date: 2020-04-23 15:37:02.593925

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0075_one_off_messages"
down_revision = "0074_job_row_number"

TABLES = ("notifications", "notification_history")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("client_reference", sa.String(), nullable=True))
        op.add_column(table, sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=True))
        op.add_column(table, sa.Column("document_download_count", sa.Integer(), nullable=True))
    for name in ("normalised_to", "_personalisation", "reply_to_text"):
        op.add_column("notifications", sa.Column(name, sa.String(), nullable=True))
    op.create_foreign_key(
        "fk_notifications_created_by_id_users", "notifications", "users", ["created_by_id"], ["id"]
    )


def downgrade() -> None:
    for name in ("reply_to_text", "_personalisation", "normalised_to"):
        op.drop_column("notifications", name)
    for table in TABLES:
        for name in ("document_download_count", "created_by_id", "client_reference"):
            op.drop_column(table, name)
