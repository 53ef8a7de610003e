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
}
TRACED = {
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
