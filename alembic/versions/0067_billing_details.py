"""Keep what an invoice needs.

Revision ID: 0067_billing_details
Revises: 0066_services_organisation
Create Date: 2019-06-06 09:36:15.530573

"""

import sqlalchemy as sa
from alembic import op

revision = "0067_billing_details"
down_revision = "0066_services_organisation"

TABLES = ("organisation", "services", "services_history")
COLUMNS = {
    "notes": sa.Text(),
    "purchase_order_number": sa.String(255),
    "billing_contact_names": sa.Text(),
    "billing_contact_email_addresses": sa.Text(),
    "billing_reference": sa.String(255),
}


def upgrade() -> None:
    for table in TABLES:
        for name, kind in COLUMNS.items():
            op.add_column(table, sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for table in TABLES:
        for name in COLUMNS:
            op.drop_column(table, name)
