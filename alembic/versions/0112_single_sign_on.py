"""Let users sign in with the account of their department.

Revision ID: 0112_single_sign_on
Revises: 0111_validate_user_state_check
Create Date: 2024-06-13 13:22:58.886928

"""

import sqlalchemy as sa
from alembic import op

revision = "0112_single_sign_on"
down_revision = "0111_validate_user_state_check"


def upgrade() -> None:
    op.add_column("users", sa.Column("login_uuid", sa.Text(), nullable=True))
    op.create_unique_constraint("uq_users_login_uuid", "users", ["login_uuid"])
    op.add_column(
        "users", sa.Column("preferred_timezone", sa.Text(), server_default="US/Eastern", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("users", "preferred_timezone")
    op.drop_column("users", "login_uuid")
