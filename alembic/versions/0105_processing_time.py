"""Measure how many messages leave within ten seconds.

Revision ID: 0105_processing_time
Revises: 0104_events_data_index
Create Date: 2023-09-14 16:21:36.831495

"""

import sqlalchemy as sa
from alembic import op

revision = "0105_processing_time"
down_revision = "0104_events_data_index"


def upgrade() -> None:
    op.create_table(
        "ft_processing_time",
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("messages_total", sa.Integer(), nullable=False),
        sa.Column("messages_within_10_secs", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("local_date", name="pk_ft_processing_time"),
    )


def downgrade() -> None:
    op.drop_table("ft_processing_time")
