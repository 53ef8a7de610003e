"""Keep senders that messages were sent from, and one default for each service.

Revision ID: 0082_archive_senders
Revises: 0081_grant_view_activity
Create Date: 2021-01-14 10:41:12.649358

"""

import sqlalchemy as sa
from alembic import op

revision = "0082_archive_senders"
down_revision = "0081_grant_view_activity"

TABLES = ("service_sms_senders", "service_email_reply_to")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_service_sms_senders_service_id_default",
        "service_sms_senders",
        ["service_id"],
        unique=True,
        postgresql_where=sa.text("is_default AND NOT archived"),
    )


def downgrade() -> None:
    op.drop_index("ix_service_sms_senders_service_id_default", "service_sms_senders")
    for table in TABLES:
        op.drop_column(table, "archived")
