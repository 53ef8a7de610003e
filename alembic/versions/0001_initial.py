"""Create users, services, who works in them, and verification codes.

Revision ID: 0001_initial
Revises:
Create Date: 2017-01-09 10:12:41.007919

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001_initial"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email_address", sa.String(255), nullable=False),
        sa.Column("mobile_number", sa.String(), nullable=False),
        sa.Column("_password", sa.String(), nullable=False),
        sa.Column("password_changed_at", sa.DateTime(), nullable=True),
        sa.Column("logged_in_at", sa.DateTime(), nullable=True),
        sa.Column("failed_login_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("platform_admin", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_index("ix_users_email_address", "users", ["email_address"], unique=True)
    op.create_table(
        "services",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("message_limit", sa.Integer(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("email_from", sa.Text(), nullable=False),
        sa.Column("sms_sender", sa.String(11), nullable=True),
        sa.Column("created_by_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_services"),
        sa.UniqueConstraint("name", name="uq_services_name"),
        sa.UniqueConstraint("email_from", name="uq_services_email_from"),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"], name="fk_services_created_by_id_users"),
    )
    op.create_index("ix_services_created_by_id", "services", ["created_by_id"])
    op.create_table(
        "user_to_service",
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.UniqueConstraint("user_id", "service_id", name="uq_user_to_service_user_id_service_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_to_service_user_id_users"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_user_to_service_service_id_services"
        ),
    )
    op.create_index("ix_user_to_service_service_id", "user_to_service", ["service_id"])
    op.create_table(
        "verify_codes",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("_code", sa.String(), nullable=False),
        sa.Column("code_type", sa.Enum("email", "sms", name="verify_code_types"), nullable=False),
        sa.Column("expiry_datetime", sa.DateTime(), nullable=False),
        sa.Column("code_used", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verify_codes"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_verify_codes_user_id_users"),
    )
    op.create_index("ix_verify_codes_user_id", "verify_codes", ["user_id"])


def downgrade() -> None:
    op.drop_table("verify_codes")
    op.execute("DROP TYPE verify_code_types")
    op.drop_table("user_to_service")
    op.drop_table("services")
    op.drop_table("users")
