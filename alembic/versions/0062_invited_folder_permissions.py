"""Say in the invitation which folders the new member will see.

Revision ID: 0062_invited_folder_permissions
Revises: 0061_user_folder_permissions
Create Date: 2019-02-21 10:14:44.490978

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0062_invited_folder_permissions"
down_revision = "0061_user_folder_permissions"


def upgrade() -> None:
    op.add_column(
        "invited_users",
        sa.Column(
            "folder_permissions", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
    )


def downgrade() -> None:
    op.drop_column("invited_users", "folder_permissions")
