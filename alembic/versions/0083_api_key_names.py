"""Let the name of an expired key be used again.

Revision ID: 0083_api_key_names
Revises: 0082_archive_senders
Create Date: 2021-02-04 15:26:49.657277

"""

from alembic import op

revision = "0083_api_key_names"
down_revision = "0082_archive_senders"

NAME = "ix_api_keys_service_id_name_unexpired"


def upgrade() -> None:
    op.execute("COMMIT")
    op.execute(
        f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {NAME}"
        " ON api_keys (service_id, name) WHERE expiry_date IS NULL"
    )


def downgrade() -> None:
    op.execute("COMMIT")
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")
