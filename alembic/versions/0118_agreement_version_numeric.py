"""Store the version of the agreement as it is printed.

Revision ID: 0118_agreement_version_numeric
Revises: 0117_organization_templates
Create Date: 2025-09-04 10:26:33.934442

"""

import sqlalchemy as sa
from alembic import op

revision = "0118_agreement_version_numeric"
down_revision = "0117_organization_templates"


def upgrade() -> None:
    op.alter_column(
        "organization", "agreement_signed_version", type_=sa.Numeric(4, 1), existing_type=sa.Float()
    )


def downgrade() -> None:
    op.alter_column(
        "organization", "agreement_signed_version", type_=sa.Float(), existing_type=sa.Numeric(4, 1)
    )
