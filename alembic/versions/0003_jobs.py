"""Create jobs.

Revision ID: 0003_jobs
Revises: 0002_templates
Create Date: 2017-01-16 09:05:57.023757

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_jobs"
down_revision = "0002_templates"

STATUSES = ("pending", "in progress", "finished", "sending limits exceeded")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("original_file_name", sa.String(), nullable=False),
        sa.Column("bucket_name", sa.String(), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("status", sa.Enum(*STATUSES, name="job_status_types"), nullable=False),
        sa.Column("notification_count", sa.Integer(), nullable=False),
        sa.Column("processing_started", sa.DateTime(), nullable=True),
        sa.Column("processing_finished", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_jobs_service_id_services"),
        sa.ForeignKeyConstraint(["template_id"], ["templates.id"], name="fk_jobs_template_id_templates"),
    )
    op.create_index("ix_jobs_service_id", "jobs", ["service_id"])
    op.create_index("ix_jobs_template_id", "jobs", ["template_id"])


def downgrade() -> None:
    op.drop_table("jobs")
    op.execute("DROP TYPE job_status_types")
