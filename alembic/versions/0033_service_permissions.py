"""Say what a service may do in a table, not in flags.

Revision ID: 0033_service_permissions
Revises: 0032_validate_status_key
Create Date: 2017-11-02 14:11:38.261327

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033_service_permissions"
down_revision = "0032_validate_status_key"

NAMES = ("sms", "email", "letter", "international_sms", "inbound_sms", "schedule_notifications")


def upgrade() -> None:
    types = op.create_table(
        "service_permission_types",
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_service_permission_types"),
    )
    op.bulk_insert(types, [{"name": name} for name in NAMES])
    op.create_table(
        "service_permissions",
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("permission", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("service_id", "permission", name="pk_service_permissions"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_permissions_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["permission"],
            ["service_permission_types.name"],
            name="fk_service_permissions_permission_service_permission_types",
        ),
    )
    op.create_index("ix_service_permissions_service_id", "service_permissions", ["service_id"])
    op.create_index("ix_service_permissions_permission", "service_permissions", ["permission"])
    op.execute(
        """
        INSERT INTO service_permissions (service_id, permission, created_at)
        SELECT services.id, channel.name, now()
          FROM services CROSS JOIN (VALUES ('sms'), ('email')) AS channel (name)
        """
    )


def downgrade() -> None:
    op.drop_table("service_permissions")
    op.drop_table("service_permission_types")
