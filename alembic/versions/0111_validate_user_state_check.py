"""Check the states of the users that are there.

Revision ID: 0111_validate_user_state_check
Revises: 0110_user_state_check
Create Date: 2024-04-11 10:02:16.879009

"""

from alembic import op

revision = "0111_validate_user_state_check"
down_revision = "0110_user_state_check"


def upgrade() -> None:
    op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_state")


def downgrade() -> None:
    op.execute(
        "ALTER TABLE users DROP CONSTRAINT ck_users_state, ADD CONSTRAINT ck_users_state"
        " CHECK (state IN ('pending', 'active', 'inactive')) NOT VALID"
    )
