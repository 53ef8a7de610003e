"""Let some templates overtake others, and hide or retire them.

Revision ID: 0024_template_process_type
Revises: 0023_service_whitelist
Create Date: 2017-07-20 11:20:13.190056

"""

import sqlalchemy as sa
from alembic import op

revision = "0024_template_process_type"
down_revision = "0023_service_whitelist"


def upgrade() -> None:
    table = op.create_table(
        "template_process_type",
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_template_process_type"),
    )
    op.bulk_insert(table, [{"name": "normal"}, {"name": "priority"}])
    for owner in ("templates", "templates_history"):
        op.add_column(
            owner, sa.Column("process_type", sa.String(255), server_default="normal", nullable=False)
        )
        op.alter_column(owner, "process_type", server_default=None)
        op.create_foreign_key(
            f"fk_{owner}_process_type_template_process_type",
            owner,
            "template_process_type",
            ["process_type"],
            ["name"],
        )
        for flag in ("archived", "hidden"):
            op.add_column(owner, sa.Column(flag, sa.Boolean(), server_default=sa.false(), nullable=False))
            op.alter_column(owner, flag, server_default=None)
    op.create_index("ix_templates_process_type", "templates", ["process_type"])
    op.execute("UPDATE templates SET process_type = 'priority' WHERE name = 'Sign-in code'")
    op.execute("UPDATE templates_history SET process_type = 'priority' WHERE name = 'Sign-in code'")


def downgrade() -> None:
    for owner in ("templates_history", "templates"):
        for column in ("hidden", "archived", "process_type"):
            op.drop_column(owner, column)
    op.drop_table("template_process_type")
