"""Make the free text messages depend on the kind of organisation.

Revision ID: 0056_organisation_types
Revises: 0055_organisation
Create Date: 2018-10-18 15:59:24.443464

"""

import sqlalchemy as sa
from alembic import op

revision = "0056_organisation_types"
down_revision = "0055_organisation"

ALLOWANCES = {"federal": 250_000, "state": 150_000, "other": 25_000}


def upgrade() -> None:
    table = op.create_table(
        "organisation_types",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("annual_free_sms_fragment_limit", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_organisation_types"),
    )
    op.bulk_insert(
        table,
        [{"name": name, "annual_free_sms_fragment_limit": limit} for name, limit in ALLOWANCES.items()],
    )
    for owner in ("organisation", "services"):
        op.add_column(owner, sa.Column("organisation_type", sa.String(), nullable=True))
        op.create_foreign_key(
            f"fk_{owner}_organisation_type_organisation_types",
            owner,
            "organisation_types",
            ["organisation_type"],
            ["name"],
        )
    op.add_column("services_history", sa.Column("organisation_type", sa.String(), nullable=True))


def downgrade() -> None:
    for owner in ("services_history", "services", "organisation"):
        op.drop_column(owner, "organisation_type")
    op.drop_table("organisation_types")
