"""Count the messages that each provider delivered for each service.

Revision ID: 0026_provider_statistics
Revises: 0025_provider_history
Create Date: 2017-08-03 10:30:41.205894

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026_provider_statistics"
down_revision = "0025_provider_history"


def upgrade() -> None:
    op.create_table(
        "provider_statistics",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("unit_count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_statistics"),
        sa.ForeignKeyConstraint(
            ["provider_id"],
            ["provider_details.id"],
            name="fk_provider_statistics_provider_id_provider_details",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_provider_statistics_service_id_services"
        ),
    )
    op.create_index("ix_provider_statistics_service_id", "provider_statistics", ["service_id"])


def downgrade() -> None:
    op.drop_table("provider_statistics")
