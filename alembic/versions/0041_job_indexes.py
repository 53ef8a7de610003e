"""Index jobs by time.

Revision ID: 0041_job_indexes
Revises: 0040_scheduled_jobs
Create Date: 2018-03-12 14:20:36.324679

"""

from alembic import op

revision = "0041_job_indexes"
down_revision = "0040_scheduled_jobs"


def upgrade() -> None:
    # CONCURRENTLY is refused inside a transaction.
    op.execute("COMMIT")
    op.execute("CREATE INDEX CONCURRENTLY ix_jobs_scheduled_for ON jobs (scheduled_for)")
    op.execute("CREATE INDEX CONCURRENTLY ix_jobs_created_at ON jobs (created_at)")


def downgrade() -> None:
    op.execute("COMMIT")
    op.execute("DROP INDEX CONCURRENTLY ix_jobs_created_at")
    op.execute("DROP INDEX CONCURRENTLY ix_jobs_scheduled_for")
