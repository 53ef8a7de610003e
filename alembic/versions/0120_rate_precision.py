"""Say what a price is in, and how exact it is.

Revision ID: 0120_rate_precision
Revises: 0119_allowances_2026
Create Date: 2026-05-07 11:41:09.950280

"""

import sqlalchemy as sa
from alembic import op

revision = "0120_rate_precision"
down_revision = "0119_allowances_2026"

COMMENT = "US dollars for one fragment, before the multiplier"


def upgrade() -> None:
    op.alter_column("rates", "rate", type_=sa.Numeric(10, 5), existing_type=sa.Numeric(), comment=COMMENT)
    op.create_table_comment("ft_billing", "Rebuilt every night; rows of a purged service go with it")


def downgrade() -> None:
    op.drop_table_comment("ft_billing")
    op.alter_column(
        "rates",
        "rate",
        type_=sa.Numeric(),
        existing_type=sa.Numeric(10, 5),
        comment=None,
        existing_comment=COMMENT,
    )
