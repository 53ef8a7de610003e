"""Write down who marked an e-mail as spam.

Revision ID: 0057_complaints
Revises: 0056_organisation_types
Create Date: 2018-11-08 12:33:58.451383

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0057_complaints"
down_revision = "0056_organisation_types"


def upgrade() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("notification_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("ses_feedback_id", sa.Text(), nullable=True),
        sa.Column("complaint_type", sa.Text(), nullable=True),
        sa.Column("complaint_date", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_complaints"),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name="fk_complaints_service_id_services"),
    )
    op.create_index("ix_complaints_notification_id", "complaints", ["notification_id"])
    op.create_index("ix_complaints_service_id", "complaints", ["service_id"])


def downgrade() -> None:
    op.drop_table("complaints")
