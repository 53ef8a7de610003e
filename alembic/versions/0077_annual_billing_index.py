"""Find out early whether a service has two allowances for one year.

Revision ID: 0077_annual_billing_index
Revises: 0076_notification_searches
Create Date: 2020-06-11 13:52:25.609763

"""

from alembic import op

revision = "0077_annual_billing_index"
down_revision = "0076_notification_searches"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY ix_annual_billing_service_id_financial_year_start"
            " ON annual_billing (service_id, financial_year_start)"
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY ix_annual_billing_service_id_financial_year_start")
