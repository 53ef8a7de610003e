"""Safe migrations as careful teams write them: not one finding, with a database and, mostly, without."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules.judging import judge

from notifydb.lint.example import BASELINE, Example

SAFE = {
    "new table with everything": Example("""
        op.create_table(
            "teams",
            sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("gen_random_uuid()")),
            sa.Column("name", sa.Text, nullable=False, unique=True),
            sa.Column("owner_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False, index=True),
            sa.CheckConstraint("length(name) > 0"),
        )
        op.create_index("ix_teams_name", "teams", ["name"])
        op.create_check_constraint("ck_teams_name", "teams", "name <> ''")
        op.alter_column("teams", "name", type_=sa.String(200))
        """),
    "new table filled from an old one": Example("""
        op.create_table("names", sa.Column("user_id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
        op.execute("INSERT INTO names SELECT id, name FROM users")
        op.execute("UPDATE names SET name = 'unknown'")
        op.alter_column("names", "name", nullable=False)
        """),
    "nullable column": Example('op.add_column("users", sa.Column("nickname", sa.Text))'),
    "column with a constant default": Example("""
        op.add_column("users", sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()))
        op.add_column("users", sa.Column("joined", sa.DateTime, server_default=sa.func.now()))
        op.alter_column("users", "joined", server_default=None)
        """),
    "column referring to another table": Example("""
        op.execute("ALTER TABLE users ADD COLUMN team_id integer REFERENCES organizations (id)")
        """),
    "default for new rows": Example('op.alter_column("users", "logins", server_default="0")'),
    "concurrent index in a loop": Example("""
        for column in ("name", "logins"):
            with op.get_context().autocommit_block():
                op.drop_index(
                    f"ix_users_{column}", "users", postgresql_concurrently=True, if_exists=True
                )
                op.create_index(f"ix_users_{column}", "users", [column], postgresql_concurrently=True)
        """),
    "unique constraint from an index": Example("""
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_users_email")
            op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_users_email ON users (email)")
        op.execute("ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE USING INDEX uq_users_email")
        """),
    "check in two steps": Example(
        'op.execute("ALTER TABLE users VALIDATE CONSTRAINT positive")',
        before=(
            BASELINE,
            'op.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (logins >= 0) NOT VALID")',
        ),
    ),
    "foreign key in two steps": Example(
        'op.execute("ALTER TABLE users VALIDATE CONSTRAINT fk")',
        before=(
            BASELINE,
            """
            op.execute(
                "ALTER TABLE users ADD CONSTRAINT fk"
                " FOREIGN KEY (organization_id) REFERENCES organizations (id) NOT VALID"
            )
            """,
        ),
    ),
    "dropped constraint and default": Example("""
        op.alter_column("organizations", "name", nullable=True)
        op.alter_column("organizations", "name", server_default=None)
        """),
    "seed rows": Example("""
        op.bulk_insert(
            sa.table("organizations", sa.column("id"), sa.column("name")),
            [{"id": 100001, "name": "a: b"}, {"id": 100002, "name": "100 %"}],
        )
        op.execute(
            "SELECT setval(pg_get_serial_sequence('organizations', 'id'), max(id)) FROM organizations"
        )
        """),
    "one row changed": Example("""
        op.execute("UPDATE organizations SET name = 'new' WHERE id = 1")
        op.execute("DELETE FROM users WHERE id = 7")
        """),
    "enum, view, function and comment": Example("""
        op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
        op.execute("ALTER TYPE colour ADD VALUE IF NOT EXISTS 'blue'")
        op.execute("CREATE VIEW names AS SELECT name FROM users")
        op.execute("CREATE FUNCTION one() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        op.execute("COMMENT ON TABLE users IS 'people: all of them'")
        """),
    "settings of the session": Example("""
        op.execute("SET LOCAL lock_timeout = '2s'")
        op.get_bind().execute(sa.text("SELECT set_config('statement_timeout', '5s', true)"))
        op.add_column("users", sa.Column("nickname", sa.Text))
        """),
    "batches outside of the transaction": Example("""
        with op.get_context().autocommit_block():
            for first in range(0, 1000, 100):
                op.execute(
                    "UPDATE users SET logins = coalesce(logins, 0)"
                    f" WHERE id BETWEEN {first} AND {first + 99}"
                )
        """),
    "index rebuilt concurrently": Example("""
        with op.get_context().autocommit_block():
            op.execute("REINDEX INDEX CONCURRENTLY ix_users_email")
        """),
    "temporary table": Example("""
        op.execute("CREATE TEMPORARY TABLE picked ON COMMIT DROP AS SELECT id FROM users WHERE id < 10")
        op.execute("CREATE INDEX ON picked (id)")
        op.execute("UPDATE picked SET id = id + 1")
        """),
    "nothing at all": Example("pass", downgrade="pass"),
    "new partitioned table": Example("""
        op.execute("CREATE TABLE events (id bigint, year int NOT NULL) PARTITION BY RANGE (year)")
        op.execute("CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM (2024) TO (2025)")
        op.create_index("ix_events_id", "events", ["id"])
        """),
    "materialized view refreshed concurrently": Example(
        'op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY counts")',
        before=(
            BASELINE,
            """
            op.execute("CREATE MATERIALIZED VIEW counts AS SELECT id, length(name) AS size FROM users")
            op.execute("CREATE UNIQUE INDEX ix_counts_id ON counts (id)")
            """,
        ),
    ),
    "primary key from an index": Example(
        'op.execute("ALTER TABLE legacy ADD PRIMARY KEY USING INDEX ix_legacy_id")',
        before=(
            """
            op.execute("CREATE TABLE legacy (id bigint NOT NULL, name text)")
            op.execute("CREATE UNIQUE INDEX ix_legacy_id ON legacy (id)")
            """,
        ),
    ),
    "foreign key not valid yet": Example("""
        op.create_foreign_key(
            "fk_users_organization", "users", "organizations", ["organization_id"], ["id"],
            postgresql_not_valid=True,
        )
        """),
    "partial unique index, up and down": Example(
        """
        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_users_email")
            op.create_index(
                "uq_users_email", "users", ["email"], unique=True,
                postgresql_where=sa.text("email IS NOT NULL"), postgresql_concurrently=True,
            )
        """,
        downgrade="""
        with op.get_context().autocommit_block():
            op.drop_index("uq_users_email", "users", postgresql_concurrently=True, if_exists=True)
        """,
    ),
    "columns of the types to take": Example(
        """
        op.add_column("users", sa.Column("settings", sa.dialects.postgresql.JSONB, server_default="{}"))
        op.add_column("users", sa.Column("seen_at", sa.DateTime(timezone=True)))
        op.add_column("users", sa.Column("external_id", sa.Uuid))
        op.add_column("users", sa.Column("balance", sa.Numeric(12, 2)))
        """,
        imports="import sqlalchemy.dialects.postgresql",
    ),
    "new table with an identity": Example("""
        op.create_table(
            "invoices",
            sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
            sa.Column("sent_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        )
        """),
    "new enum type and a column of it": Example("""
        op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
        op.execute("ALTER TABLE users ADD COLUMN colour colour NOT NULL DEFAULT 'red'")
        """),
    "value of an enum": Example(
        """
        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE colour ADD VALUE IF NOT EXISTS 'blue' AFTER 'red'")
        """,
        before=("""op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")""",),
    ),
    "trigger on a new table": Example("""
        op.execute("CREATE TABLE audit (id bigint, at timestamptz)")
        op.execute(
            "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.at := now(); RETURN NEW; END'"
        )
        op.execute("CREATE TRIGGER stamp BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION stamp()")
        """),
    "view with one more column": Example(
        'op.execute("CREATE OR REPLACE VIEW names AS SELECT name, email FROM users")',
        before=(BASELINE, 'op.execute("CREATE VIEW names AS SELECT name FROM users")'),
    ),
    "row security on a new table": Example("""
        op.execute("CREATE TABLE secrets (owner text, body text)")
        op.execute("ALTER TABLE secrets ENABLE ROW LEVEL SECURITY")
        op.execute("CREATE POLICY own ON secrets USING (owner = current_user)")
        op.execute("GRANT SELECT ON secrets TO PUBLIC")
        """),
    "rows with ids, and the sequence after them": Example("""
        op.execute("INSERT INTO organizations (id, name) VALUES (900001, 'first'), (900002, 'second')")
        op.execute(
            "SELECT setval(pg_get_serial_sequence('organizations', 'id'), (SELECT max(id) FROM organizations))"
        )
        """),
    "seed rows that are the same each time": Example(
        """
        teams = op.create_table(
            "teams", sa.Column("id", sa.Uuid, primary_key=True), sa.Column("since", sa.DateTime(timezone=True))
        )
        op.bulk_insert(
            teams,
            [
                {
                    "id": uuid.UUID("d6aa2c68-a2d9-4437-ab19-3ae8eb202553"),
                    "since": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
                }
            ],
        )
        """,
        imports="import datetime\nimport uuid",
    ),
    "deletes in batches": Example("""
        with op.get_context().autocommit_block():
            while op.get_bind().execute(sa.text(
                "DELETE FROM users WHERE id IN (SELECT id FROM users WHERE logins = -1 LIMIT 1000)"
            )).rowcount:
                pass
        """),
    "options, statistics and comments": Example("""
        op.execute("ALTER TABLE users SET (fillfactor = 90)")
        op.execute("ALTER TABLE users ALTER COLUMN email SET STATISTICS 500")
        op.execute("CREATE STATISTICS users_names ON name, email FROM users")
        op.execute("COMMENT ON COLUMN users.email IS 'where we write to'")
        """),
    "an index and a constraint get other names": Example(
        """
        op.execute("ALTER INDEX ix_users_email RENAME TO ix_users_mail")
        op.execute("ALTER TABLE users RENAME CONSTRAINT positive TO ck_users_logins")
        """,
        before=(BASELINE, 'op.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (logins >= 0)")'),
    ),
    "a column that the code has left": Example("""
        op.drop_column("users", "logins")  # notifydb: ignore[drop-column] because no release since 41 reads it
        """),
    "several columns at once": Example("""
        with op.batch_alter_table("users") as batch:
            batch.add_column(sa.Column("nickname", sa.Text))
            batch.add_column(sa.Column("title", sa.Text, server_default=""))
        """),
    "up, down and up again": Example(
        'op.add_column("users", sa.Column("nickname", sa.Text))',
        downgrade='op.drop_column("users", "nickname")',
    ),
}
TRACED = {
    "partition attached after a proving check": Example(
        'op.execute("ALTER TABLE events ATTACH PARTITION events_2024 FOR VALUES FROM (2024) TO (2025)")',
        before=(
            """
            op.execute("CREATE TABLE events (year int NOT NULL, what text) PARTITION BY RANGE (year)")
            op.execute("CREATE TABLE events_2024 (year int NOT NULL, what text)")
            op.execute("ALTER TABLE events_2024 ADD CHECK (year >= 2024 AND year < 2025)")
            """,
        ),
    ),
    "not null after a validated check": Example(
        'op.alter_column("users", "email", nullable=False)',
        before=(BASELINE, 'op.create_check_constraint("present", "users", "email IS NOT NULL")'),
    ),
    "longer varchar, then text": Example("""
        op.alter_column("users", "name", type_=sa.String(100))
        op.alter_column("users", "name", type_=sa.Text)
        """),
    "raw table made by a function": Example("""
        op.execute("DO $$ BEGIN CREATE TABLE teams AS SELECT * FROM users; END $$")
        op.execute("CREATE INDEX ON teams (id)")
        op.execute("DO $$ BEGIN ALTER TABLE teams ALTER COLUMN id SET NOT NULL; END $$")
        """),
}


@pytest.mark.parametrize("name", sorted(SAFE))
def test_no_alarm_without_a_database(name: str, tmp_path: Path) -> None:
    assert judge(SAFE[name], tmp_path, "static").findings == ()


@pytest.mark.postgres
@pytest.mark.parametrize("name", sorted(SAFE | TRACED))
def test_no_alarm_on_the_shadow(name: str, tmp_path: Path, server_url: str) -> None:
    report = judge((SAFE | TRACED)[name], tmp_path, "trace", server_url)
    assert report.findings == ()
    assert report.skipped == ()
