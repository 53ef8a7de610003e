"""Who waits for whom, as any role may see it."""

from __future__ import annotations

import threading
import time

import psycopg
import sqlalchemy as sa

from conftest import name_of, query
from notifydb.postgres.activity import building_of, wait_of_any
from notifydb.postgres.connect import autocommit_engine, plain_url
from notifydb.postgres.waits import lines_of


def test_a_role_that_may_not_look_into_others_is_told_who_they_are(database: str) -> None:
    role = f"clerk_{name_of(database)}"
    query(database, f"CREATE ROLE {role} LOGIN; CREATE TABLE t (); GRANT ALL ON t TO {role}")
    url = sa.make_url(database).set(username=role).render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain_url(database), application_name="celery") as other:
            other.execute("LOCK TABLE t")
            waiting = threading.Thread(target=_read, args=(url,))
            waiting.start()
            with autocommit_engine(url).connect() as conn:
                while (wait := wait_of_any(conn, "reader")) is None:
                    time.sleep(0.02)
            other.rollback()
            waiting.join()
    finally:
        query(database, f"DROP OWNED BY {role}; DROP ROLE {role}")
    pid = wait.blockers[0].session.pid
    assert lines_of(wait) == (
        "waits for AccessShareLock on t",
        f"blocked by celery (pid {pid}), hidden from this role",
    )


def _read(url: str) -> None:
    with psycopg.connect(plain_url(url), application_name="reader") as reader:
        reader.execute("SELECT FROM t")


def test_an_index_that_is_not_built_concurrently_has_no_name_yet(database: str) -> None:
    """It was told as `-`, and the table that others do not see yet by a number."""
    slowly = (
        "CREATE FUNCTION slowly(i int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_sleep(0.3); RETURN i; END'"
    )
    with psycopg.connect(plain_url(database)) as other, autocommit_engine(database).connect() as conn:
        other.execute("CREATE TABLE t AS SELECT n FROM generate_series(1, 5) n")
        other.execute(slowly)
        pid = other.info.backend_pid
        builder = threading.Thread(target=other.execute, args=("CREATE INDEX ON t (slowly(n))",))
        builder.start()
        while (building := building_of(conn, pid)) is None:
            time.sleep(0.02)
        builder.join()
    assert (building.index, building.relation) == ("an index", "a new table")
