"""Turn the status of an invitation into a table that can grow.

Revision ID: 0030_invite_status_lookup
Revises: 0029_rates
Create Date: 2017-10-05 15:19:26.237570

"""

import sqlalchemy as sa
from alembic import op

revision = "0030_invite_status_lookup"
down_revision = "0029_rates"

STATUSES = ("pending", "accepted", "cancelled")


def upgrade() -> None:
    table = op.create_table(
        "invite_status_types",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_invite_status_types"),
    )
    op.bulk_insert(table, [{"name": status} for status in STATUSES])
    op.execute("ALTER TABLE invited_users ALTER COLUMN status TYPE varchar USING status::text")
    op.execute("DROP TYPE invited_users_status_types")
    op.create_foreign_key(
        "fk_invited_users_status_invite_status_types",
        "invited_users",
        "invite_status_types",
        ["status"],
        ["name"],
    )


def downgrade() -> None:
    op.drop_constraint("fk_invited_users_status_invite_status_types", "invited_users", type_="foreignkey")
    sa.Enum(*STATUSES, name="invited_users_status_types").create(op.get_bind())
    op.execute(
        "ALTER TABLE invited_users ALTER COLUMN status TYPE invited_users_status_types"
        " USING status::invited_users_status_types"
    )
    op.drop_table("invite_status_types")
