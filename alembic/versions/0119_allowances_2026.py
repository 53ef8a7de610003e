"""Set the free allowance and the price of the year to come.

Revision ID: 0119_allowances_2026
Revises: 0118_agreement_version_numeric
Create Date: 2026-03-19 13:50:15.942361

"""

from alembic import op

revision = "0119_allowances_2026"
down_revision = "0118_agreement_version_numeric"

OLD = {"federal": 250_000, "state": 150_000, "other": 25_000}
NEW = {"federal": 200_000, "state": 100_000, "other": 10_000}


def _set_allowances(allowances: dict[str, int]) -> None:
    for name, limit in allowances.items():
        op.execute(
            f"UPDATE organization_types SET annual_free_sms_fragment_limit = {limit} WHERE name = '{name}'"
        )


def upgrade() -> None:
    _set_allowances(NEW)
    op.execute(
        """
        INSERT INTO annual_billing
               (id, service_id, financial_year_start, free_sms_fragment_limit, created_at)
        SELECT gen_random_uuid(), s.id, 2026, t.annual_free_sms_fragment_limit, now()
          FROM services s JOIN organization_types t ON t.name = s.organization_type
        ON CONFLICT DO NOTHING
        """
    )
    op.execute(
        "INSERT INTO rates (id, valid_from, rate, notification_type)"
        " VALUES (gen_random_uuid(), '2026-04-01', 0.0227, 'sms')"
    )


def downgrade() -> None:
    op.execute("DELETE FROM rates WHERE valid_from = '2026-04-01'")
    op.execute("DELETE FROM annual_billing WHERE financial_year_start = 2026")
    _set_allowances(OLD)
