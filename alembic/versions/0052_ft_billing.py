"""Count what is billed day by day.

Revision ID: 0052_ft_billing
Revises: 0051_service_callback_api
Create Date: 2018-08-09 13:18:17.411788

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0052_ft_billing"
down_revision = "0051_service_callback_api"

KEY = (
    "bst_date",
    "template_id",
    "service_id",
    "notification_type",
    "provider",
    "rate_multiplier",
    "rate",
    "international",
)


def upgrade() -> None:
    op.create_table(
        "ft_billing",
        sa.Column("bst_date", sa.Date(), nullable=False),
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notification_type", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("rate_multiplier", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("international", sa.Boolean(), nullable=False),
        sa.Column("billable_units", sa.Integer(), nullable=False),
        sa.Column("notifications_sent", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint(*KEY, name="pk_ft_billing"),
    )
    for column in ("bst_date", "template_id", "service_id"):
        op.create_index(f"ix_ft_billing_{column}", "ft_billing", [column])


def downgrade() -> None:
    op.drop_table("ft_billing")
