"""Turn the status of a job into a table that can grow.

Revision ID: 0021_job_status_lookup
Revises: 0020_billable_units
Create Date: 2017-06-12 13:13:29.166299

"""

import sqlalchemy as sa
from alembic import op

revision = "0021_job_status_lookup"
down_revision = "0020_billable_units"

STATUSES = (
    "pending",
    "in progress",
    "finished",
    "sending limits exceeded",
    "scheduled",
    "cancelled",
    "error",
)


def upgrade() -> None:
    table = op.create_table(
        "job_status",
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_job_status"),
    )
    op.bulk_insert(table, [{"name": status} for status in STATUSES])
    op.add_column("jobs", sa.Column("job_status", sa.String(255), nullable=True))
    bind = op.get_bind()
    for (status,) in bind.execute(sa.text("SELECT DISTINCT status::text FROM jobs ORDER BY 1")).all():
        bind.execute(
            sa.text("UPDATE jobs SET job_status = :status WHERE status::text = :status"), {"status": status}
        )
    op.alter_column("jobs", "job_status", nullable=False)
    op.create_foreign_key("fk_jobs_job_status_job_status", "jobs", "job_status", ["job_status"], ["name"])
    op.create_index("ix_jobs_job_status", "jobs", ["job_status"])


def downgrade() -> None:
    op.drop_column("jobs", "job_status")
    op.drop_table("job_status")
