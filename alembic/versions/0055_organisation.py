"""Group services by the body they belong to.

Revision ID: 0055_organisation
Revises: 0054_email_branding
Create Date: 2018-10-04 10:28:39.435545

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055_organisation"
down_revision = "0054_email_branding"


def _uuid(name: str) -> sa.Column:
    return sa.Column(name, postgresql.UUID(as_uuid=True), nullable=False)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def upgrade() -> None:
    op.create_table(
        "organisation",
        _uuid("id"),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_organisation"),
        sa.UniqueConstraint("name", name="uq_organisation_name"),
    )
    op.create_table(
        "domain",
        sa.Column("domain", sa.String(255), nullable=False),
        _uuid("organisation_id"),
        sa.PrimaryKeyConstraint("domain", name="pk_domain"),
        _reference("domain", "organisation_id", "organisation"),
    )
    op.create_table(
        "user_to_organisation",
        _uuid("user_id"),
        _uuid("organisation_id"),
        sa.UniqueConstraint(
            "user_id", "organisation_id", name="uq_user_to_organisation_user_id_organisation_id"
        ),
        _reference("user_to_organisation", "user_id", "users"),
        _reference("user_to_organisation", "organisation_id", "organisation"),
    )
    op.create_table(
        "invited_organisation_users",
        _uuid("id"),
        sa.Column("email_address", sa.String(255), nullable=False),
        _uuid("invited_by_id"),
        _uuid("organisation_id"),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invited_organisation_users"),
        _reference("invited_organisation_users", "invited_by_id", "users"),
        _reference("invited_organisation_users", "organisation_id", "organisation"),
        sa.ForeignKeyConstraint(
            ["status"],
            ["invite_status_types.name"],
            name="fk_invited_organisation_users_status_invite_status_types",
        ),
    )


def downgrade() -> None:
    for table in ("invited_organisation_users", "user_to_organisation", "domain", "organisation"):
        op.drop_table(table)
