"""Keep the past versions of services, templates and API keys.

Revision ID: 0009_history_tables
Revises: 0008_version_columns
Create Date: 2017-02-16 09:30:18.071271

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_history_tables"
down_revision = "0008_version_columns"


def upgrade() -> None:
    op.create_table(
        "services_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("message_limit", sa.Integer(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("email_from", sa.Text(), nullable=False),
        sa.Column("sms_sender", sa.String(11), nullable=True),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name="pk_services_history"),
    )
    op.create_index("ix_services_history_created_by_id", "services_history", ["created_by_id"])
    op.create_table(
        "templates_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column(
            "template_type",
            postgresql.ENUM("sms", "email", "letter", name="template_type", create_type=False),
            nullable=False,
        ),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name="pk_templates_history"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_templates_history_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"], ["users.id"], name="fk_templates_history_created_by_id_users"
        ),
    )
    op.create_index("ix_templates_history_service_id", "templates_history", ["service_id"])
    op.create_table(
        "api_keys_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("secret", sa.String(255), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("expiry_date", sa.DateTime(), nullable=True),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name="pk_api_keys_history"),
    )
    op.create_index("ix_api_keys_history_service_id", "api_keys_history", ["service_id"])
    op.create_index("ix_api_keys_history_created_by_id", "api_keys_history", ["created_by_id"])


def downgrade() -> None:
    op.drop_table("api_keys_history")
    op.drop_table("templates_history")
    op.drop_table("services_history")
