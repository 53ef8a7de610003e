"""Drop counts that the daily facts have long replaced.

Revision ID: 0101_drop_provider_statistics
Revises: 0100_drop_provider_priority
Create Date: 2023-03-23 14:12:08.799819

"""

import sqlalchemy as sa
from alembic import op

revision = "0101_drop_provider_statistics"
down_revision = "0100_drop_provider_priority"


def upgrade() -> None:
    op.drop_table("provider_statistics")


def downgrade() -> None:
    op.create_table(
        "provider_statistics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("service_id", sa.Uuid(), nullable=False),
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
