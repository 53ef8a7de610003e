"""Number events, and make what they say searchable.

Revision ID: 0102_events_jsonb
Revises: 0101_drop_provider_statistics
Create Date: 2023-06-15 11:04:29.807738

"""

import sqlalchemy as sa
from alembic import op

revision = "0102_events_jsonb"
down_revision = "0101_drop_provider_statistics"


def upgrade() -> None:
    op.execute("ALTER TABLE events ALTER COLUMN data TYPE jsonb USING data::jsonb")
    op.add_column("events", sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False))


def downgrade() -> None:
    op.drop_column("events", "position")
    op.execute("ALTER TABLE events ALTER COLUMN data TYPE json USING data::json")
