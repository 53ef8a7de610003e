"""Write down who signed the agreement, and how the e-mails of an organisation look.

Revision ID: 0065_organisation_agreement
Revises: 0064_go_live
Create Date: 2019-05-02 15:15:33.514735

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0065_organisation_agreement"
down_revision = "0064_go_live"


def _columns() -> list[sa.Column]:
    return [
        sa.Column("email_branding_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("agreement_signed", sa.Boolean(), nullable=True),
        sa.Column("agreement_signed_at", sa.DateTime(), nullable=True),
        sa.Column("agreement_signed_by_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.Column("agreement_signed_on_behalf_of_name", sa.String(255), nullable=True),
        sa.Column("agreement_signed_on_behalf_of_email_address", sa.String(255), nullable=True),
        sa.Column("agreement_signed_version", sa.Float(), nullable=True),
        sa.Column("request_to_go_live_notes", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    for column in _columns():
        op.add_column("organisation", column)
    op.create_foreign_key(
        "fk_organisation_agreement_signed_by_id_users",
        "organisation",
        "users",
        ["agreement_signed_by_id"],
        ["id"],
    )
    op.create_foreign_key(
        "fk_organisation_email_branding_id_email_branding",
        "organisation",
        "email_branding",
        ["email_branding_id"],
        ["id"],
    )
    op.create_table(
        "email_branding_to_organisation",
        sa.Column("organisation_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("email_branding_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "organisation_id", "email_branding_id", name="pk_email_branding_to_organisation"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"],
            ["organisation.id"],
            name="fk_email_branding_to_organisation_organisation_id_organisation",
        ),
        sa.ForeignKeyConstraint(
            ["email_branding_id"],
            ["email_branding.id"],
            name="fk_email_branding_to_organisation_branding_id_email_branding",
        ),
    )


def downgrade() -> None:
    op.drop_table("email_branding_to_organisation")
    for column in _columns():
        op.drop_column("organisation", column.name)
