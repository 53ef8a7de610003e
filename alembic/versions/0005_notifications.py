"""Create notifications.

Revision ID: 0005_notifications
Revises: 0004_api_keys
Create Date: 2017-01-24 16:18:09.039595

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_notifications"
down_revision = "0004_api_keys"

STATUSES = (
    "created",
    "sending",
    "pending",
    "sent",
    "delivered",
    "failed",
    "technical-failure",
    "temporary-failure",
    "permanent-failure",
)


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("job_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("api_key_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("content_char_count", sa.Integer(), nullable=True),
        sa.Column("status", sa.Enum(*STATUSES, name="notify_status_types"), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("sent_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_notifications_job_id_jobs"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_notifications_service_id_services"),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name="fk_notifications_template_id_templates"
        ),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name="fk_notifications_api_key_id_api_keys"),
    )
    op.create_index("ix_notifications_job_id", "notifications", ["job_id"])
    op.create_index("ix_notifications_service_id", "notifications", ["service_id"])
    op.create_index("ix_notifications_reference", "notifications", ["reference"])


def downgrade() -> None:
    op.drop_table("notifications")
    op.execute("DROP TYPE notify_status_types")
