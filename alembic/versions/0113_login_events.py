"""Show users from where they signed in.

Revision ID: 0113_login_events
Revises: 0112_single_sign_on
Create Date: 2024-08-22 10:53:31.894847

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0113_login_events"
down_revision = "0112_single_sign_on"


def upgrade() -> None:
    op.create_table(
        "login_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_events"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_login_events_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_login_events_user_id", "login_events", ["user_id"])


def downgrade() -> None:
    op.drop_table("login_events")
