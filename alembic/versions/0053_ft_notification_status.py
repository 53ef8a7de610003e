"""Count the statuses that were reached day by day.

Revision ID: 0053_ft_notification_status
Revises: 0052_ft_billing
Create Date: 2018-08-30 11:47:06.419707

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053_ft_notification_status"
down_revision = "0052_ft_billing"

KEY = (
    "bst_date",
    "template_id",
    "service_id",
    "job_id",
    "notification_type",
    "key_type",
    "notification_status",
)


def upgrade() -> None:
    op.create_table(
        "ft_notification_status",
        sa.Column("bst_date", sa.Date(), nullable=False),
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("job_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notification_type", sa.Text(), nullable=False),
        sa.Column("key_type", sa.Text(), nullable=False),
        sa.Column("notification_status", sa.Text(), nullable=False),
        sa.Column("notification_count", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint(*KEY, name="pk_ft_notification_status"),
    )
    for column in ("template_id", "service_id"):
        op.create_index(f"ix_ft_notification_status_{column}", "ft_notification_status", [column])


def downgrade() -> None:
    op.drop_table("ft_notification_status")
