"""Let a service use an uploaded list again.

Revision ID: 0073_contact_lists
Revises: 0072_inbound_sms_history
Create Date: 2020-02-13 11:49:54.578087

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0073_contact_lists"
down_revision = "0072_inbound_sms_history"


def upgrade() -> None:
    op.create_table(
        "service_contact_list",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("original_file_name", sa.String(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("template_type", postgresql.ENUM(name="template_type", create_type=False), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_service_contact_list"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_contact_list_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name="fk_service_contact_list_created_by_id_users"
        ),
    )
    op.create_index("ix_service_contact_list_service_id", "service_contact_list", ["service_id"])
    op.add_column("jobs", sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("jobs", sa.Column("contact_list_id", postgresql.UUID(as_uuid=True), nullable=True))
    op.create_foreign_key(
        "fk_jobs_contact_list_id_service_contact_list",
        "jobs",
        "service_contact_list",
        ["contact_list_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_column("jobs", "contact_list_id")
    op.drop_column("jobs", "archived")
    op.drop_table("service_contact_list")
