"""Send text messages abroad.

Revision ID: 0028_international_sms
Revises: 0027_user_session_id
Create Date: 2017-09-06 10:41:57.221732

"""

import sqlalchemy as sa
from alembic import op

revision = "0028_international_sms"
down_revision = "0027_user_session_id"

NOTIFICATIONS = ("notifications", "notification_history")
PROVIDERS = ("provider_details", "provider_details_history")


def _add_flag(table: str, column: str, *, keep_default: bool) -> None:
    op.add_column(table, sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False))
    if not keep_default:
        op.alter_column(table, column, server_default=None)


def upgrade() -> None:
    for table in ("services", "services_history"):
        _add_flag(table, "can_send_international_sms", keep_default=False)
    for table in NOTIFICATIONS:
        _add_flag(table, "international", keep_default=False)
        op.add_column(table, sa.Column("phone_prefix", sa.String(), nullable=True))
        op.add_column(table, sa.Column("rate_multiplier", sa.Numeric(), nullable=True))
    for table in PROVIDERS:
        _add_flag(table, "supports_international", keep_default=True)
        op.execute(f"UPDATE {table} SET supports_international = true WHERE identifier = 'sns'")


def downgrade() -> None:
    for table in PROVIDERS:
        op.drop_column(table, "supports_international")
    for table in NOTIFICATIONS:
        for column in ("rate_multiplier", "phone_prefix", "international"):
            op.drop_column(table, column)
    for table in ("services_history", "services"):
        op.drop_column(table, "can_send_international_sms")
