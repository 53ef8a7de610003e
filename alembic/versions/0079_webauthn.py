"""Let users sign in with a security key.

Revision ID: 0079_webauthn
Revises: 0078_annual_billing_unique
Create Date: 2020-09-17 11:33:48.625601

"""

import sqlalchemy as sa
from alembic import op

revision = "0079_webauthn"
down_revision = "0078_annual_billing_unique"


def upgrade() -> None:
    op.create_table(
        "webauthn_credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("credential_data", sa.String(), nullable=False),
        sa.Column("registration_response", sa.String(), nullable=False),
        sa.Column("logged_in_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_webauthn_credential"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_webauthn_credential_user_id_users"),
    )
    op.execute("INSERT INTO auth_type VALUES ('webauthn_auth')")


def downgrade() -> None:
    for table in ("users", "invited_users"):
        op.execute(f"UPDATE {table} SET auth_type = 'email_auth' WHERE auth_type = 'webauthn_auth'")
    op.execute("DELETE FROM auth_type WHERE name = 'webauthn_auth'")
    op.drop_table("webauthn_credential")
