"""Remember who made a brand and when it changed.

Revision ID: 0084_branding_audit
Revises: 0083_api_key_names
Create Date: 2021-03-11 09:13:05.665196

"""

import sqlalchemy as sa
from alembic import op

revision = "0084_branding_audit"
down_revision = "0083_api_key_names"


def upgrade() -> None:
    op.add_column("email_branding", sa.Column("created_by_id", sa.Uuid(), nullable=True))
    op.add_column("email_branding", sa.Column("created_at", sa.DateTime(), nullable=True))
    op.add_column("email_branding", sa.Column("updated_at", sa.DateTime(), nullable=True))
    op.create_foreign_key(
        "fk_email_branding_created_by_id_users", "email_branding", "users", ["created_by_id"], ["id"]
    )
    op.execute(
        """
        CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.updated_at := timezone('utc', now());
            RETURN NEW;
        END
        $$;
        CREATE TRIGGER email_branding_set_updated_at BEFORE UPDATE ON email_branding
            FOR EACH ROW EXECUTE FUNCTION set_updated_at();
        """
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER email_branding_set_updated_at ON email_branding")
    op.execute("DROP FUNCTION set_updated_at()")
    for column in ("updated_at", "created_at", "created_by_id"):
        op.drop_column("email_branding", column)
