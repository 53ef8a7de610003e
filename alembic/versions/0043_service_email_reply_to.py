"""Let recipients answer to an address of the service.

Revision ID: 0043_service_email_reply_to
Revises: 0042_service_sms_senders
Create Date: 2018-04-19 16:12:27.340517

"""

import datetime
import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043_service_email_reply_to"
down_revision = "0042_service_sms_senders"


def upgrade() -> None:
    table = op.create_table(
        "service_email_reply_to",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("email_address", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_email_reply_to"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_email_reply_to_service_id_services"
        ),
    )
    op.create_index("ix_service_email_reply_to_service_id", "service_email_reply_to", ["service_id"])
    op.bulk_insert(
        table,
        [
            {
                "id": uuid.UUID("7c6227ba-b045-457b-b0a8-3d8a16c3acaf"),
                "service_id": uuid.UUID("3c068010-5bfe-4bca-bf39-33b43a52ed7f"),
                "email_address": "support@notify.example.gov",
                "is_default": True,
                "created_at": datetime.datetime.fromisoformat("2018-04-19"),
            }
        ],
    )


def downgrade() -> None:
    op.drop_table("service_email_reply_to")
