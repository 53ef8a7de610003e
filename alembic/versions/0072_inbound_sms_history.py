"""Remember received messages without what they said.

Revision ID: 0072_inbound_sms_history
Revises: 0071_service_id_not_null
Create Date: 2019-10-10 16:03:19.570168

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0072_inbound_sms_history"
down_revision = "0071_service_id_not_null"


def upgrade() -> None:
    op.create_table(
        "inbound_sms_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notify_number", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_date", sa.DateTime(), nullable=True),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_sms_history"),
    )
    op.create_index("ix_inbound_sms_history_service_id", "inbound_sms_history", ["service_id"])


def downgrade() -> None:
    op.drop_table("inbound_sms_history")
