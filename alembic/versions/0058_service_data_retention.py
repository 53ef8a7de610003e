"""Let a service say how long its messages are kept.

Revision ID: 0058_service_data_retention
Revises: 0057_complaints
Create Date: 2018-11-22 09:51:47.459302

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058_service_data_retention"
down_revision = "0057_complaints"


def upgrade() -> None:
    op.create_table(
        "service_data_retention",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column(
            "notification_type", postgresql.ENUM(name="notification_type", create_type=False), nullable=False
        ),
        sa.Column("days_of_retention", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_data_retention"),
        sa.UniqueConstraint(
            "service_id", "notification_type", name="uq_service_data_retention_service_id_notification_type"
        ),
        sa.CheckConstraint(
            "days_of_retention BETWEEN 3 AND 90", name=op.f("ck_service_data_retention_days_of_retention")
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_data_retention_service_id_services"
        ),
    )


def downgrade() -> None:
    op.drop_table("service_data_retention")
