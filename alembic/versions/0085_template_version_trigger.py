"""Write past versions of templates in the database, not in each place that edits one.

Revision ID: 0085_template_version_trigger
Revises: 0084_branding_audit
Create Date: 2021-04-22 13:08:40.673115

"""

from alembic import op

revision = "0085_template_version_trigger"
down_revision = "0084_branding_audit"

COLUMNS = (
    "id, version, name, template_type, subject, content, service_id, created_by_id,"
    " created_at, updated_at, process_type, archived, hidden"
)
VALUES = ", ".join(f"NEW.{column.strip()}" for column in COLUMNS.split(","))


def upgrade() -> None:
    op.execute(
        f"""
        CREATE FUNCTION record_template_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO templates_history ({COLUMNS})
            VALUES ({VALUES})
            ON CONFLICT DO NOTHING;
            RETURN NULL;
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER templates_record_version AFTER UPDATE ON templates FOR EACH ROW"
        " WHEN (OLD.version IS DISTINCT FROM NEW.version) EXECUTE FUNCTION record_template_version()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER templates_record_version ON templates; DROP FUNCTION record_template_version();")
