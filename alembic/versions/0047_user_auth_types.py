"""Let users sign in with a code by e-mail.

Revision ID: 0047_user_auth_types
Revises: 0046_correct_first_rate
Create Date: 2018-06-14 10:16:02.372193

"""

import sqlalchemy as sa
from alembic import op

revision = "0047_user_auth_types"
down_revision = "0046_correct_first_rate"

TABLES = ("users", "invited_users")


def upgrade() -> None:
    lookup = op.create_table(
        "auth_type",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_auth_type"),
    )
    op.bulk_insert(lookup, [{"name": "sms_auth"}, {"name": "email_auth"}])
    for table in TABLES:
        op.add_column(table, sa.Column("auth_type", sa.String(), server_default="sms_auth", nullable=False))
        op.create_foreign_key(f"fk_{table}_auth_type_auth_type", table, "auth_type", ["auth_type"], ["name"])
        op.create_index(f"ix_{table}_auth_type", table, ["auth_type"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "auth_type")
    op.drop_table("auth_type")
