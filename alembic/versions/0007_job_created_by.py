"""Remember who uploaded a job.

Revision ID: 0007_job_created_by
Revises: 0006_permissions_and_invites
Create Date: 2017-02-08 10:47:12.055433

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_job_created_by"
down_revision = "0006_permissions_and_invites"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=True))
    op.create_foreign_key("fk_jobs_created_by_id_users", "jobs", "users", ["created_by_id"], ["id"])
    op.create_index("ix_jobs_created_by_id", "jobs", ["created_by_id"])
    op.execute(
        "UPDATE jobs SET created_by_id = services.created_by_id"
        " FROM services WHERE services.id = jobs.service_id"
    )


def downgrade() -> None:
    op.drop_column("jobs", "created_by_id")
