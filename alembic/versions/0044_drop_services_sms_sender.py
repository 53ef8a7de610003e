"""Drop the sender that services had before they could have several.

Revision ID: 0044_drop_services_sms_sender
Revises: 0043_service_email_reply_to
Create Date: 2018-05-03 09:27:40.348436

"""

import sqlalchemy as sa
from alembic import op

revision = "0044_drop_services_sms_sender"
down_revision = "0043_service_email_reply_to"


def upgrade() -> None:
    for table in ("services", "services_history"):
        op.drop_column(table, "sms_sender")


def downgrade() -> None:
    for table in ("services", "services_history"):
        op.add_column(table, sa.Column("sms_sender", sa.String(11), nullable=True))
    op.execute(
        "UPDATE services SET sms_sender = service_sms_senders.sms_sender FROM service_sms_senders"
        " WHERE service_sms_senders.service_id = services.id AND service_sms_senders.is_default"
        " AND service_sms_senders.sms_sender <> 'NOTIFY'"
    )
