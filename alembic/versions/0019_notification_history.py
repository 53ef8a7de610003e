"""Keep a row of each notification for good.

Revision ID: 0019_notification_history
Revises: 0018_notification_key_type
Create Date: 2017-05-18 16:44:02.150461

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019_notification_history"
down_revision = "0018_notification_key_type"

COLUMNS = (
    "id, job_id, service_id, template_id, template_version, api_key_id, key_type, content_char_count,"
    " notification_type, status, reference, sent_at, sent_by, created_at, updated_at"
)


def upgrade() -> None:
    op.create_table(
        "notification_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("job_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("api_key_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("key_type", sa.String(), nullable=False),
        sa.Column("content_char_count", sa.Integer(), nullable=True),
        sa.Column(
            "notification_type", postgresql.ENUM(name="notification_type", create_type=False), nullable=False
        ),
        sa.Column("status", postgresql.ENUM(name="notify_status_types", create_type=False), nullable=True),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.Column("sent_by", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_notification_history"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_notification_history_job_id_jobs"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_notification_history_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name="fk_notification_history_api_key_id_api_keys"
        ),
    )
    op.create_index("ix_notification_history_created_at", "notification_history", ["created_at"])
    op.create_index("ix_notification_history_reference", "notification_history", ["reference"])
    op.create_index("ix_notification_history_service_id", "notification_history", ["service_id"])
    op.execute(
        f"INSERT INTO notification_history ({COLUMNS})"
        f" SELECT {COLUMNS} FROM notifications WHERE service_id IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_table("notification_history")
