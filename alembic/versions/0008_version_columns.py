"""Number the versions of services, templates and API keys.

Revision ID: 0008_version_columns
Revises: 0007_job_created_by
Create Date: 2017-02-15 13:55:46.063352

"""

import sqlalchemy as sa
from alembic import op

revision = "0008_version_columns"
down_revision = "0007_job_created_by"

TABLES = ("services", "templates", "api_keys")


def _add_version(table: str) -> None:
    op.add_column(table, sa.Column("version", sa.Integer(), nullable=True))
    op.execute(f"UPDATE {table} SET version = 1")
    op.alter_column(table, "version", nullable=False)


def upgrade() -> None:
    for table in TABLES:
        _add_version(table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "version")
