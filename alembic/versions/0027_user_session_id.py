"""Let a user be signed in at one place only.

Revision ID: 0027_user_session_id
Revises: 0026_provider_statistics
Create Date: 2017-08-15 17:05:35.213813

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_user_session_id"
down_revision = "0026_provider_statistics"


def upgrade() -> None:
    op.add_column("users", sa.Column("current_session_id", postgresql.UUID(as_uuid=True), nullable=True))
    op.execute("UPDATE users SET password_changed_at = created_at WHERE password_changed_at IS NULL")
    op.alter_column("users", "password_changed_at", nullable=False)


def downgrade() -> None:
    op.alter_column("users", "password_changed_at", nullable=True)
    op.drop_column("users", "current_session_id")
