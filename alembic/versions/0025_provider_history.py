"""Keep the past versions of providers.

Revision ID: 0025_provider_history
Revises: 0024_template_process_type
Create Date: 2017-08-03 09:48:22.197975

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025_provider_history"
down_revision = "0024_template_process_type"


def upgrade() -> None:
    op.add_column("provider_details", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("provider_details", sa.Column("updated_at", sa.DateTime(), nullable=True))
    op.execute("UPDATE provider_details SET version = 1")
    op.alter_column("provider_details", "version", nullable=False)
    op.create_table(
        "provider_details_history",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("identifier", sa.String(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "notification_type", postgresql.ENUM(name="notification_type", create_type=False), nullable=False
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name="pk_provider_details_history"),
    )
    op.execute(
        """
        INSERT INTO provider_details_history
               (id, version, display_name, identifier, priority, notification_type, active, updated_at)
        SELECT id, version, display_name, identifier, priority, notification_type, active, updated_at
          FROM provider_details
        """
    )


def downgrade() -> None:
    op.drop_table("provider_details_history")
    op.drop_column("provider_details", "updated_at")
    op.drop_column("provider_details", "version")
