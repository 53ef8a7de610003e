"""Create prices, with the first of them.

Revision ID: 0029_rates
Revises: 0028_international_sms
Create Date: 2017-09-21 13:37:44.229651

"""

import datetime
import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029_rates"
down_revision = "0028_international_sms"


def upgrade() -> None:
    kinds = postgresql.ENUM("email", "sms", "letter", name="notification_type", create_type=False)
    table = op.create_table(
        "rates",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("valid_from", sa.DateTime(), nullable=False),
        sa.Column("rate", sa.Numeric(), nullable=False),
        sa.Column("notification_type", kinds, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rates"),
    )
    op.create_index("ix_rates_notification_type", "rates", ["notification_type"])
    op.bulk_insert(
        table,
        [
            {
                "id": uuid.UUID("f9ce5794-6e2e-4d40-95b2-e8d49ae10991"),
                "valid_from": datetime.datetime.fromisoformat("2017-04-01"),
                "rate": "0.0158",
                "notification_type": "sms",
            }
        ],
    )


def downgrade() -> None:
    op.drop_table("rates")
