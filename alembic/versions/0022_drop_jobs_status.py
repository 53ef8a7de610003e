"""Drop the old status of jobs and the bucket nobody reads.

Revision ID: 0022_drop_jobs_status
Revises: 0021_job_status_lookup
Create Date: 2017-06-26 10:33:08.174218

"""

import sqlalchemy as sa
from alembic import op

revision = "0022_drop_jobs_status"
down_revision = "0021_job_status_lookup"

STATUSES = ("pending", "in progress", "finished", "sending limits exceeded")


def upgrade() -> None:
    op.drop_column("jobs", "status")
    op.drop_column("jobs", "bucket_name")
    op.execute("DROP TYPE job_status_types")


def downgrade() -> None:
    status = sa.Enum(*STATUSES, name="job_status_types")
    status.create(op.get_bind())
    op.add_column("jobs", sa.Column("status", status, nullable=True))
    op.execute(
        """
        UPDATE jobs
           SET status = (CASE
                 WHEN job_status IN ('pending', 'in progress', 'finished', 'sending limits exceeded')
                 THEN job_status
                 ELSE 'pending'
               END)::job_status_types
        """
    )
    op.alter_column("jobs", "status", nullable=False)
    op.add_column("jobs", sa.Column("bucket_name", sa.String(), server_default="unknown", nullable=False))
    op.alter_column("jobs", "bucket_name", server_default=None)
