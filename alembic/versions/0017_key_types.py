"""Tell live keys from those of a trial.

Revision ID: 0017_key_types
Revises: 0016_drop_subject_unique
Create Date: 2017-04-20 15:08:37.134623

"""

import sqlalchemy as sa
from alembic import op

revision = "0017_key_types"
down_revision = "0016_drop_subject_unique"


def upgrade() -> None:
    table = op.create_table(
        "key_types",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_key_types"),
    )
    op.bulk_insert(table, [{"name": name} for name in ("normal", "team", "test")])
    for owner in ("api_keys", "api_keys_history"):
        op.add_column(owner, sa.Column("key_type", sa.String(), nullable=True))
        op.execute(f"UPDATE {owner} SET key_type = 'normal'")
        op.alter_column(owner, "key_type", nullable=False)
    op.create_foreign_key("fk_api_keys_key_type_key_types", "api_keys", "key_types", ["key_type"], ["name"])
    op.create_index("ix_api_keys_key_type", "api_keys", ["key_type"])


def downgrade() -> None:
    op.drop_column("api_keys_history", "key_type")
    op.drop_column("api_keys", "key_type")
    op.drop_table("key_types")
