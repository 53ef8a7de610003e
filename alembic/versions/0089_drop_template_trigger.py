"""Go back to writing past versions in the application: the trigger hid who did it.

Revision ID: 0089_drop_template_trigger
Revises: 0088_remove_letters
Create Date: 2022-01-20 11:16:34.704791

"""

from alembic import op

revision = "0089_drop_template_trigger"
down_revision = "0088_remove_letters"

COLUMNS = (
    "id, version, name, template_type, subject, content, service_id, created_by_id,"
    " created_at, updated_at, process_type, archived, hidden"
)
VALUES = ", ".join(f"NEW.{column.strip()}" for column in COLUMNS.split(","))


def upgrade() -> None:
    op.execute("DROP TRIGGER templates_record_version ON templates")
    op.execute("DROP FUNCTION record_template_version()")


def downgrade() -> None:
    op.execute(
        f"""
        CREATE FUNCTION record_template_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO templates_history ({COLUMNS})
            VALUES ({VALUES})
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$;
        CREATE TRIGGER templates_record_version AFTER UPDATE ON templates FOR EACH ROW
            WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION record_template_version();
        """
    )
