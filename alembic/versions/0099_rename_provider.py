"""Follow a provider to its new name, and let go of the one for load tests.

Revision ID: 0099_rename_provider
Revises: 0098_carrier_and_cost
Create Date: 2023-03-02 10:10:46.783981

"""

from alembic import op

revision = "0099_rename_provider"
down_revision = "0098_carrier_and_cost"

PROVIDER_ID = "83b1e95a-1b8b-4eed-991a-005cc0110820"
LOAD_TEST_ID = "18a9c7bc-b46e-4697-aaf8-11e0a86787b6"
TABLES = ("provider_details", "provider_details_history")
COLUMNS = (
    "id, version, display_name, identifier, priority, notification_type, active,"
    " supports_international, updated_at"
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(f"DELETE FROM {table} WHERE identifier LIKE 'load%'")
    op.execute(
        "UPDATE provider_details SET display_name = 'Longwave', identifier = 'longwave',"
        f" version = version + 1, updated_at = '2023-03-02' WHERE id = '{PROVIDER_ID}'"
    )
    op.execute(
        f"INSERT INTO provider_details_history ({COLUMNS})"
        f" SELECT {COLUMNS} FROM provider_details WHERE id = '{PROVIDER_ID}'"
    )


def downgrade() -> None:
    op.execute(f"DELETE FROM provider_details_history WHERE id = '{PROVIDER_ID}' AND identifier = 'longwave'")
    op.execute(
        "UPDATE provider_details SET display_name = 'Short Text Co', identifier = 'shorttext',"
        f" version = version - 1, updated_at = NULL WHERE id = '{PROVIDER_ID}'"
    )
    for table in TABLES:
        op.execute(
            f"INSERT INTO {table}"
            " (id, version, display_name, identifier, priority, notification_type, active)"
            f" VALUES ('{LOAD_TEST_ID}', 1, 'Load test', 'loadtest', 90, 'sms', true)"
        )
