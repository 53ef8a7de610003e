"""Show the live services of each organisation to the reporting tool.

Revision ID: 0086_live_services_view
Revises: 0085_template_version_trigger
Create Date: 2021-05-13 16:28:16.681034

"""

from alembic import op

revision = "0086_live_services_view"
down_revision = "0085_template_version_trigger"


def upgrade() -> None:
    op.execute(
        """
        CREATE VIEW live_services AS
        SELECT s.id, s.name, s.go_live_at, o.name AS organisation
          FROM services s LEFT JOIN organisation o ON o.id = s.organisation_id
         WHERE s.active AND s.count_as_live AND NOT s.restricted
           AND s.name NOT LIKE '%(test)%'
        """
    )


def downgrade() -> None:
    op.execute("DROP VIEW live_services")
