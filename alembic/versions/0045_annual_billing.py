"""Give each service its free text messages for the year.

Revision ID: 0045_annual_billing
Revises: 0044_drop_services_sms_sender
Create Date: 2018-05-24 14:49:33.356355

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045_annual_billing"
down_revision = "0044_drop_services_sms_sender"


def upgrade() -> None:
    op.create_table(
        "annual_billing",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("financial_year_start", sa.Integer(), nullable=False),
        sa.Column("free_sms_fragment_limit", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_annual_billing"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_annual_billing_service_id_services"
        ),
    )
    op.create_index("ix_annual_billing_service_id", "annual_billing", ["service_id"])
    op.execute(
        "INSERT INTO annual_billing"
        " (id, service_id, financial_year_start, free_sms_fragment_limit, created_at)"
        " SELECT gen_random_uuid(), id, 2018, 250000, now() FROM services"
    )


def downgrade() -> None:
    op.drop_table("annual_billing")
