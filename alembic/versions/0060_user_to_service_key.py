"""Give memberships a primary key, so that others can refer to them.

Revision ID: 0060_user_to_service_key
Revises: 0059_template_folders
Create Date: 2019-01-24 11:09:35.475140

"""

from alembic import op

revision = "0060_user_to_service_key"
down_revision = "0059_template_folders"

UNIQUE = "uq_user_to_service_user_id_service_id"


def upgrade() -> None:
    op.execute("DELETE FROM user_to_service WHERE user_id IS NULL OR service_id IS NULL")
    op.create_primary_key("pk_user_to_service", "user_to_service", ["user_id", "service_id"])
    op.drop_constraint(UNIQUE, "user_to_service", type_="unique")


def downgrade() -> None:
    op.create_unique_constraint(UNIQUE, "user_to_service", ["user_id", "service_id"])
    op.drop_constraint("pk_user_to_service", "user_to_service", type_="primary")
    op.alter_column("user_to_service", "user_id", nullable=True)
    op.alter_column("user_to_service", "service_id", nullable=True)
