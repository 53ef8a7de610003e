"""Add a permission to look without touching.

Revision ID: 0080_view_activity_permission
Revises: 0079_webauthn
Create Date: 2020-11-05 14:09:31.633520

"""

from alembic import op

revision = "0080_view_activity_permission"
down_revision = "0079_webauthn"

OLD = ("manage_users", "manage_templates", "manage_settings", "send_texts", "send_emails", "manage_api_keys")


def upgrade() -> None:
    # A value added inside a transaction cannot be used in it, and could not be added at all before 12.
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE permission_types ADD VALUE IF NOT EXISTS 'view_activity'")


def downgrade() -> None:
    labels = ", ".join(f"'{name}'" for name in (*OLD, "platform_admin"))
    op.execute("DELETE FROM permissions WHERE permission = 'view_activity'")
    op.execute("ALTER TYPE permission_types RENAME TO permission_types_old")
    op.execute(f"CREATE TYPE permission_types AS ENUM ({labels})")
    op.execute(
        "ALTER TABLE permissions ALTER COLUMN permission TYPE permission_types"
        " USING permission::text::permission_types"
    )
    op.execute("DROP TYPE permission_types_old")
