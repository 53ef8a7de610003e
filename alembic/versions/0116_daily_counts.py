"""Count against the daily limit in the database.

Revision ID: 0116_daily_counts
Revises: 0115_report_requests
Create Date: 2025-05-15 09:31:20.918604

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0116_daily_counts"
down_revision = "0115_report_requests"


def upgrade() -> None:
    op.create_table(
        "daily_notification_counts",
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column(
            "notification_type", postgresql.ENUM(name="notification_type", create_type=False), nullable=False
        ),
        sa.Column("notification_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint(
            "service_id", "local_date", "notification_type", name="pk_daily_notification_counts"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"],
            ["services.id"],
            name="fk_daily_notification_counts_service_id_services",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("daily_notification_counts")
