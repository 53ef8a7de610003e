"""Let members see some folders only.

Revision ID: 0061_user_folder_permissions
Revises: 0060_user_to_service_key
Create Date: 2019-02-07 16:40:18.483059

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061_user_folder_permissions"
down_revision = "0060_user_to_service_key"


def upgrade() -> None:
    op.create_table(
        "user_folder_permissions",
        sa.Column("user_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("template_folder_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint(
            "user_id", "template_folder_id", "service_id", name="pk_user_folder_permissions"
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "service_id"],
            ["user_to_service.user_id", "user_to_service.service_id"],
            name="fk_user_folder_permissions_user_id_service_id_user_to_service",
        ),
        sa.ForeignKeyConstraint(
            ["template_folder_id", "service_id"],
            ["template_folder.id", "template_folder.service_id"],
            name="fk_user_folder_permissions_folder_service_template_folder",
        ),
    )
    op.execute(
        "INSERT INTO user_folder_permissions (user_id, template_folder_id, service_id)"
        " SELECT m.user_id, f.id, f.service_id"
        " FROM template_folder f JOIN user_to_service m ON m.service_id = f.service_id"
    )


def downgrade() -> None:
    op.drop_table("user_folder_permissions")
