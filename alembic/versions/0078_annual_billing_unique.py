"""Give a service one allowance for each year.

Revision ID: 0078_annual_billing_unique
Revises: 0077_annual_billing_index
Create Date: 2020-06-11 14:20:00.617682

"""

from alembic import op

revision = "0078_annual_billing_unique"
down_revision = "0077_annual_billing_index"

UNIQUE = "uq_annual_billing_service_id_financial_year_start"
INDEX = "ix_annual_billing_service_id_financial_year_start"


def upgrade() -> None:
    op.execute(f"ALTER TABLE annual_billing ADD CONSTRAINT {UNIQUE} UNIQUE USING INDEX {INDEX}")
    op.drop_index("ix_annual_billing_service_id", "annual_billing")


def downgrade() -> None:
    op.create_index("ix_annual_billing_service_id", "annual_billing", ["service_id"])
    op.drop_constraint(UNIQUE, "annual_billing", type_="unique")
    op.create_index(INDEX, "annual_billing", ["service_id", "financial_year_start"], unique=True)
