"""Let one provider be active for each channel, and remember who switched.

Revision ID: 0100_drop_provider_priority
Revises: 0099_rename_provider
Create Date: 2023-03-23 13:39:50.791900

"""

import sqlalchemy as sa
from alembic import op

revision = "0100_drop_provider_priority"
down_revision = "0099_rename_provider"

TABLES = ("provider_details", "provider_details_history")


def upgrade() -> None:
    op.execute("UPDATE provider_details SET active = false WHERE priority > 10")
    for table in TABLES:
        op.drop_column(table, "priority")
        op.add_column(table, sa.Column("created_by_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        "fk_provider_details_created_by_id_users", "provider_details", "users", ["created_by_id"], ["id"]
    )
    op.create_index("ix_provider_details_created_by_id", "provider_details", ["created_by_id"])


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "created_by_id")
        op.add_column(table, sa.Column("priority", sa.Integer(), nullable=True))
        op.execute(
            f"UPDATE {table} SET priority = CASE WHEN identifier IN ('ses', 'sns') THEN 10 ELSE 20 END"
        )
        op.alter_column(table, "priority", nullable=False)
    op.execute("UPDATE provider_details SET active = true WHERE priority > 10")
