"""Keep templates in folders.

Revision ID: 0059_template_folders
Revises: 0058_service_data_retention
Create Date: 2019-01-10 14:22:13.467221

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0059_template_folders"
down_revision = "0058_service_data_retention"


def upgrade() -> None:
    op.create_table(
        "template_folder",
        sa.Column("id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("service_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("parent_id", postgresql.UUID(as_uuid=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_template_folder"),
        sa.UniqueConstraint("id", "service_id", name="uq_template_folder_id_service_id"),
        sa.ForeignKeyConstraint(
            ["service_id"], ["services.id"], name="fk_template_folder_service_id_services"
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["template_folder.id"], name="fk_template_folder_parent_id_template_folder"
        ),
    )
    op.create_table(
        "template_folder_map",
        sa.Column("template_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("template_folder_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name="pk_template_folder_map"),
        sa.ForeignKeyConstraint(
            ["template_id"], ["templates.id"], name="fk_template_folder_map_template_id_templates"
        ),
        sa.ForeignKeyConstraint(
            ["template_folder_id"],
            ["template_folder.id"],
            name="fk_template_folder_map_template_folder_id_template_folder",
        ),
    )


def downgrade() -> None:
    op.drop_table("template_folder_map")
    op.drop_table("template_folder")
