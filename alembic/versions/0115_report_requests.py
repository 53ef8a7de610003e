"""Make reports while the user does something else.

Revision ID: 0115_report_requests
Revises: 0114_provider_rates
Create Date: 2025-02-06 11:12:47.910685

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0115_report_requests"
down_revision = "0114_provider_rates"


def upgrade() -> None:
    op.create_table(
        "report_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
        sa.Column("report_type", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("pending", "in_progress", "stored", "failed", name="report_status"),
            nullable=False,
        ),
        sa.Column("parameter", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_requests"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_report_requests_user_id_users"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_report_requests_service_id_services"
        ),
    )
    op.create_index("ix_report_requests_user_id", "report_requests", ["user_id"])


def downgrade() -> None:
    op.drop_table("report_requests")
    op.execute("DROP TYPE report_status")
