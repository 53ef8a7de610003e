"""Correct the first price: the contract said otherwise.

Revision ID: 0046_correct_first_rate
Revises: 0045_annual_billing
Create Date: 2018-06-07 12:04:51.364274

"""

from alembic import op

revision = "0046_correct_first_rate"
down_revision = "0045_annual_billing"

RATE_ID = "f9ce5794-6e2e-4d40-95b2-e8d49ae10991"


def upgrade() -> None:
    op.execute(f"UPDATE rates SET rate = 0.0165 WHERE id = '{RATE_ID}'")


def downgrade() -> None:
    op.execute(f"UPDATE rates SET rate = 0.0158 WHERE id = '{RATE_ID}'")
