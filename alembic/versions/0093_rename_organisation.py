"""Spell organization as the people who use it do.

Revision ID: 0093_rename_organisation
Revises: 0092_drop_live_services_view
Create Date: 2022-05-19 13:31:07.736467

"""

import sqlalchemy as sa
from alembic import op

revision = "0093_rename_organisation"
down_revision = "0092_drop_live_services_view"

COLUMNS = {
    "domain": "organisation_id",
    "user_to_organisation": "organisation_id",
    "invited_organisation_users": "organisation_id",
    "email_branding_to_organisation": "organisation_id",
    "organisation": "organisation_type",
}
SERVICE_COLUMNS = ("organisation_id", "organisation_type")
TABLES = (
    "organisation",
    "organisation_types",
    "user_to_organisation",
    "invited_organisation_users",
    "email_branding_to_organisation",
)
CONSTRAINTS = sa.text(
    "SELECT relname, conname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
    " WHERE connamespace = current_schema()::text::regnamespace AND conname LIKE '%' || :part || '%'"
    " ORDER BY 1, 2"
)
INDEXES = sa.text(
    "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()"
    " AND indexname LIKE '%' || :part || '%' ORDER BY 1"
)


def _rename(old: str, new: str) -> None:
    for table, column in COLUMNS.items():
        op.alter_column(
            table.replace("organisation", old),
            column.replace("organisation", old),
            new_column_name=column.replace("organisation", new),
        )
    for table in ("services", "services_history"):
        for column in SERVICE_COLUMNS:
            op.alter_column(
                table,
                column.replace("organisation", old),
                new_column_name=column.replace("organisation", new),
            )
    for table in TABLES:
        op.rename_table(table.replace("organisation", old), table.replace("organisation", new))
    # The index of a key takes the name of its constraint, hence the constraints first.
    bind = op.get_bind()
    for table, name in bind.execute(CONSTRAINTS, {"part": old}).all():
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {name} TO {name.replace(old, new)}")
    for (name,) in bind.execute(INDEXES, {"part": old}).all():
        op.execute(f"ALTER INDEX {name} RENAME TO {name.replace(old, new)}")


def upgrade() -> None:
    _rename("organisation", "organization")


def downgrade() -> None:
    _rename("organization", "organisation")
