"""Call the guest list a guest list.

Revision ID: 0094_rename_guest_list
Revises: 0093_rename_organisation
Create Date: 2022-06-09 11:55:22.744386

"""

from alembic import op

revision = "0094_rename_guest_list"
down_revision = "0093_rename_organisation"


def _rename(old: str, new: str) -> None:
    op.rename_table(old, new)
    op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")
    op.execute(
        f"ALTER TABLE {new} RENAME CONSTRAINT fk_{old}_service_id_services TO fk_{new}_service_id_services"
    )
    op.execute(f"ALTER INDEX ix_{old}_service_id RENAME TO ix_{new}_service_id")


def upgrade() -> None:
    _rename("service_whitelist", "service_guest_list")


def downgrade() -> None:
    _rename("service_guest_list", "service_whitelist")
