"""Move the last flag of services into their permissions.

Revision ID: 0034_drop_international_flag
Revises: 0033_service_permissions
Create Date: 2017-11-16 10:07:15.269246

"""

import sqlalchemy as sa
from alembic import op

revision = "0034_drop_international_flag"
down_revision = "0033_service_permissions"


def upgrade() -> None:
    op.execute(
        "INSERT INTO service_permissions (service_id, permission, created_at)"
        " SELECT id, 'international_sms', now() FROM services WHERE can_send_international_sms"
    )
    for table in ("services", "services_history"):
        op.drop_column(table, "can_send_international_sms")


def downgrade() -> None:
    for table in ("services", "services_history"):
        op.add_column(
            table,
            sa.Column("can_send_international_sms", sa.Boolean(), server_default=sa.false(), nullable=False),
        )
        op.alter_column(table, "can_send_international_sms", server_default=None)
    op.execute(
        "UPDATE services SET can_send_international_sms = true"
        " WHERE id IN (SELECT service_id FROM service_permissions WHERE permission = 'international_sms')"
    )
    op.execute("DELETE FROM service_permissions WHERE permission = 'international_sms'")
