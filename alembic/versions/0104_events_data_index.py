"""Find the events of a user.

Revision ID: 0104_events_data_index
Revises: 0103_provider_renamed_event
Create Date: 2023-07-06 09:57:11.823576

"""

from alembic import op

revision = "0104_events_data_index"
down_revision = "0103_provider_renamed_event"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_events_data",
            "events",
            ["data"],
            postgresql_using="gin",
            postgresql_ops={"data": "jsonb_path_ops"},
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("ix_events_data", "events", postgresql_concurrently=True)
