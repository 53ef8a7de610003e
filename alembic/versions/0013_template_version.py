"""Point jobs and notifications at the version of the template they used.

Revision ID: 0013_template_version
Revises: 0012_provider_details
Create Date: 2017-03-15 10:10:10.102947

"""

import sqlalchemy as sa
from alembic import op

revision = "0013_template_version"
down_revision = "0012_provider_details"

FOREIGN_KEY = "fk_notifications_template_id_template_version_templates_history"


def upgrade() -> None:
    for table in ("jobs", "notifications"):
        op.add_column(table, sa.Column("template_version", sa.Integer(), nullable=True))
        op.execute(
            f"UPDATE {table} SET template_version = templates.version"
            f" FROM templates WHERE templates.id = {table}.template_id"
        )
        op.alter_column(table, "template_version", nullable=False)
    op.drop_constraint("fk_notifications_template_id_templates", "notifications", type_="foreignkey")
    op.create_foreign_key(
        FOREIGN_KEY,
        "notifications",
        "templates_history",
        ["template_id", "template_version"],
        ["id", "version"],
    )


def downgrade() -> None:
    op.drop_constraint(FOREIGN_KEY, "notifications", type_="foreignkey")
    op.create_foreign_key(
        "fk_notifications_template_id_templates", "notifications", "templates", ["template_id"], ["id"]
    )
    op.drop_column("notifications", "template_version")
    op.drop_column("jobs", "template_version")
