"""Receive text messages on numbers of services.

Revision ID: 0036_inbound_sms
Revises: 0035_scheduled_notifications
Create Date: 2018-01-11 12:24:31.285084

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0036_inbound_sms"
down_revision = "0035_scheduled_notifications"


def upgrade() -> None:
    op.create_table(
        "inbound_numbers",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("number", sa.String(255), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_numbers"),
        sa.UniqueConstraint("number", name="uq_inbound_numbers_number"),
        sa.UniqueConstraint("service_id", name="uq_inbound_numbers_service_id"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_inbound_numbers_service_id_services"
        ),
    )
    op.create_table(
        "inbound_sms",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notify_number", sa.String(), nullable=False),
        sa.Column("user_number", sa.String(), nullable=False),
        sa.Column("_content", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_date", sa.DateTime(), nullable=True),
        sa.Column("provider_reference", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inbound_sms"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_inbound_sms_service_id_services"),
    )
    op.create_index(
        "ix_inbound_sms_service_id_user_number_created_at",
        "inbound_sms",
        ["service_id", "user_number", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("inbound_sms")
    op.drop_table("inbound_numbers")
