"""Refuse e-mail templates without a subject.

Revision ID: 0090_email_has_subject
Revises: 0089_drop_template_trigger
Create Date: 2022-02-10 09:42:29.712710

"""

from alembic import op

revision = "0090_email_has_subject"
down_revision = "0089_drop_template_trigger"


def upgrade() -> None:
    op.execute("UPDATE templates SET subject = name WHERE template_type = 'email' AND subject IS NULL")
    op.create_check_constraint(
        op.f("ck_templates_email_has_subject"), "templates", "template_type <> 'email' OR subject IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_templates_email_has_subject"), "templates", type_="check")
