"""Put services into the organisation that the address of their maker belongs to.

Revision ID: 0066_services_organisation
Revises: 0065_organisation_agreement
Create Date: 2019-05-16 11:21:47.522654

"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0066_services_organisation"
down_revision = "0065_organisation_agreement"

ORGANISATION_ID = "0a8b81da-3ac9-401f-9faa-93deaf208aa0"


def upgrade() -> None:
    for table in ("services", "services_history"):
        op.add_column(table, sa.Column("organisation_id", postgresql.UUID(as_uuid=True), nullable=True))
        op.create_index(f"ix_{table}_organisation_id", table, ["organisation_id"])
    op.create_foreign_key(
        "fk_services_organisation_id_organisation", "services", "organisation", ["organisation_id"], ["id"]
    )
    op.execute(
        "INSERT INTO organisation (id, name, active, created_at, organisation_type)"
        f" VALUES ('{ORGANISATION_ID}', 'Notify', true, now(), 'federal')"
    )
    op.execute(f"INSERT INTO domain VALUES ('notify.example.gov', '{ORGANISATION_ID}')")
    op.execute(
        """
        UPDATE services
           SET organisation_id = organisation.id,
               organisation_type = organisation.organisation_type
          FROM users, domain, organisation
         WHERE users.id = services.created_by_id
           AND domain.domain = split_part(users.email_address, '@', 2)
           AND organisation.id = domain.organisation_id
        """
    )


def downgrade() -> None:
    op.execute(f"UPDATE services SET organisation_type = NULL WHERE organisation_id = '{ORGANISATION_ID}'")
    for table in ("services_history", "services"):
        op.drop_column(table, "organisation_id")
    op.execute(f"DELETE FROM domain WHERE organisation_id = '{ORGANISATION_ID}'")
    op.execute(f"DELETE FROM organisation WHERE id = '{ORGANISATION_ID}'")
