"""Let the database work out how many were late.

Revision ID: 0106_late_messages
Revises: 0105_processing_time
Create Date: 2023-10-05 10:30:02.839414

"""

import sqlalchemy as sa
from alembic import op

revision = "0106_late_messages"
down_revision = "0105_processing_time"


def upgrade() -> None:
    op.add_column(
        "ft_processing_time",
        sa.Column(
            "messages_late",
            sa.Integer(),
            sa.Computed("messages_total - messages_within_10_secs", persisted=True),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("ft_processing_time", "messages_late")
