"""Create permissions of members and invitations to services.

Revision ID: 0006_permissions_and_invites
Revises: 0005_notifications
Create Date: 2017-02-02 14:22:30.047514

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_permissions_and_invites"
down_revision = "0005_notifications"

PERMISSIONS = (
    "manage_users",
    "manage_templates",
    "manage_settings",
    "send_texts",
    "send_emails",
    "manage_api_keys",
    "platform_admin",
)


def upgrade() -> None:
    op.create_table(
        "permissions",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("permission", sa.Enum(*PERMISSIONS, name="permission_types"), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_permissions"),
        sa.UniqueConstraint(
            "service_id", "user_id", "permission", name="uq_permissions_service_id_user_id_permission"
        ),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_permissions_service_id_services"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_permissions_user_id_users"),
    )
    op.create_index("ix_permissions_service_id", "permissions", ["service_id"])
    op.create_index("ix_permissions_user_id", "permissions", ["user_id"])
    op.create_table(
        "invited_users",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("email_address", sa.String(255), nullable=False),
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "accepted", "cancelled", name="invited_users_status_types"),
            nullable=False,
        ),
        sa.Column("permissions", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invited_users"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invited_users_user_id_users"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_invited_users_service_id_services"),
    )
    op.create_index("ix_invited_users_user_id", "invited_users", ["user_id"])
    op.create_index("ix_invited_users_service_id", "invited_users", ["service_id"])


def downgrade() -> None:
    op.drop_table("invited_users")
    op.execute("DROP TYPE invited_users_status_types")
    op.drop_table("permissions")
    op.execute("DROP TYPE permission_types")
