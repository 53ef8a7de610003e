"""Allow the states of users that exist.

Revision ID: 0110_user_state_check
Revises: 0109_notification_statistics
Create Date: 2024-04-11 09:40:27.871090

"""

from alembic import op

revision = "0110_user_state_check"
down_revision = "0109_notification_statistics"


def upgrade() -> None:
    op.execute("UPDATE users SET state = 'inactive' WHERE state NOT IN ('pending', 'active')")
    op.execute(
        "ALTER TABLE users ADD CONSTRAINT ck_users_state"
        " CHECK (state IN ('pending', 'active', 'inactive')) NOT VALID"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_users_state"), "users", type_="check")
