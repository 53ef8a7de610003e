"""Drop the view that no report reads any more.

Revision ID: 0092_drop_live_services_view
Revises: 0091_notifications_view
Create Date: 2022-04-07 10:20:18.728548

"""

from alembic import op

revision = "0092_drop_live_services_view"
down_revision = "0091_notifications_view"


def upgrade() -> None:
    op.execute("DROP VIEW live_services")


def downgrade() -> None:
    op.execute(
        """
        CREATE VIEW live_services AS
        SELECT s.id, s.name, s.go_live_at, o.name AS organisation
          FROM services s LEFT JOIN organisation o ON o.id = s.organisation_id
         WHERE s.active AND s.count_as_live AND NOT s.restricted
           AND s.name NOT LIKE '%(test)%'
        """
    )
