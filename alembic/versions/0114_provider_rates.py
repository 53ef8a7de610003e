"""Keep what providers charge next to what services pay.

Revision ID: 0114_provider_rates
Revises: 0113_login_events
Create Date: 2024-10-17 14:35:12.902766

"""

import sqlalchemy as sa
from alembic import op

revision = "0114_provider_rates"
down_revision = "0113_login_events"


def upgrade() -> None:
    op.create_table(
        "provider_rates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.DateTime(), nullable=False),
        sa.Column("rate", sa.Numeric(10, 5), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_provider_rates"),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["provider_details.id"], name="fk_provider_rates_provider_id_provider_details"
        ),
    )
    op.create_index("ix_provider_rates_provider_id", "provider_rates", ["provider_id"])
    op.execute(
        """
        INSERT INTO provider_rates (id, provider_id, valid_from, rate)
        SELECT gen_random_uuid(), p.id, '2024-10-01', r.rate
          FROM provider_details p
          JOIN (VALUES ('ses', 0.0001), ('sns', 0.00645), ('longwave', 0.0071)) AS r (identifier, rate)
            USING (identifier)
        """
    )


def downgrade() -> None:
    op.drop_table("provider_rates")
