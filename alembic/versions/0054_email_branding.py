"""Let e-mails carry the look of a department.

Revision ID: 0054_email_branding
Revises: 0053_ft_notification_status
Create Date: 2018-09-13 14:05:52.427626

"""

import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0054_email_branding"
down_revision = "0053_ft_notification_status"


def upgrade() -> None:
    types = op.create_table(
        "branding_type",
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_branding_type"),
    )
    op.bulk_insert(types, [{"name": name} for name in ("org", "both", "org_banner")])
    brands = op.create_table(
        "email_branding",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("colour", sa.String(7), nullable=True),
        sa.Column("logo", sa.String(255), nullable=True),
        sa.Column("text", sa.String(255), nullable=True),
        sa.Column("brand_type", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_email_branding"),
        sa.UniqueConstraint("name", name="uq_email_branding_name"),
        sa.ForeignKeyConstraint(
            ["brand_type"], ["branding_type.name"], name="fk_email_branding_brand_type_branding_type"
        ),
    )
    op.create_index("ix_email_branding_brand_type", "email_branding", ["brand_type"])
    op.create_table(
        "service_email_branding",
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("email_branding_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("service_id", name="pk_service_email_branding"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_service_email_branding_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["email_branding_id"],
            ["email_branding.id"],
            name="fk_service_email_branding_email_branding_id_email_branding",
        ),
    )
    op.bulk_insert(
        brands,
        [
            {
                "id": uuid.UUID("e0e4108d-65ee-4019-a368-d3e95fcc8e7a"),
                "name": "Plain",
                "colour": "#1b1b1b",
                "brand_type": "org",
            }
        ],
    )


def downgrade() -> None:
    op.drop_table("service_email_branding")
    op.drop_table("email_branding")
    op.drop_table("branding_type")
