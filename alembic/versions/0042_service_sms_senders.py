"""Give a service more than one name to send text messages as.

Revision ID: 0042_service_sms_senders
Revises: 0041_job_indexes
Create Date: 2018-04-05 11:36:59.332598

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042_service_sms_senders"
down_revision = "0041_job_indexes"


def upgrade() -> None:
    op.create_table(
        "service_sms_senders",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("sms_sender", sa.String(11), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("inbound_number_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_sms_senders"),
        sa.UniqueConstraint("inbound_number_id", name="uq_service_sms_senders_inbound_number_id"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_sms_senders_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["inbound_number_id"],
            ["inbound_numbers.id"],
            name="fk_service_sms_senders_inbound_number_id_inbound_numbers",
        ),
    )
    op.create_index("ix_service_sms_senders_service_id", "service_sms_senders", ["service_id"])
    op.execute(
        """
        INSERT INTO service_sms_senders (id, sms_sender, service_id, is_default, created_at)
        SELECT gen_random_uuid(), coalesce(sms_sender, 'NOTIFY'), id, true, now() FROM services
        """
    )


def downgrade() -> None:
    op.drop_table("service_sms_senders")
