"""Make the service of a notification mandatory.

Revision ID: 0071_service_id_not_null
Revises: 0070_validate_service_id_check
Create Date: 2019-08-22 09:18:06.562249

"""

from alembic import op

revision = "0071_service_id_not_null"
down_revision = "0070_validate_service_id_check"


def upgrade() -> None:
    # The valid check spares Postgres the scan of the table.
    op.alter_column("notifications", "service_id", nullable=False)
    op.drop_constraint(op.f("ck_notifications_service_id"), "notifications", type_="check")


def downgrade() -> None:
    op.create_check_constraint(op.f("ck_notifications_service_id"), "notifications", "service_id IS NOT NULL")
    op.alter_column("notifications", "service_id", nullable=True)
