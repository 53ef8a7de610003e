"""Number the messages of a provider that insists on small numbers.

Revision ID: 0108_message_number
Revises: 0107_history_index
Create Date: 2024-01-18 11:27:53.855252

"""

from alembic import op

revision = "0108_message_number"
down_revision = "0107_history_index"


def upgrade() -> None:
    op.execute(
        """
        CREATE SEQUENCE provider_message_number_seq MAXVALUE 16777215 CYCLE;
        COMMENT ON SEQUENCE provider_message_number_seq IS 'used by the sender, owned by no table';
        """
    )


def downgrade() -> None:
    op.execute("DROP SEQUENCE provider_message_number_seq")
