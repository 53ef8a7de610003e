"""Writers that go on while a purge runs: no orphan, nothing of theirs lost, no deadlock, no long wait."""

from __future__ import annotations

import dataclasses
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from postgres.purge_support import address, execute_on, plan_of, purge, run, settings

from conftest import query
from notifydb import errors
from notifydb.postgres.connect import plain_url
from notifydb.purge.events import Drained, Event, Retrying
from notifydb.settings.model import PurgeSettings

SERVICES, NOTIFICATIONS = 20, 300
#: Services with an odd number are a test user's.
SCHEMA: Final = f"""
    CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL);
    CREATE TABLE services (id int PRIMARY KEY, created_by_id int NOT NULL REFERENCES users);
    CREATE TABLE user_to_service (user_id int REFERENCES users, service_id int REFERENCES services);
    CREATE TABLE templates (
        id bigint GENERATED ALWAYS AS IDENTITY,
        version int NOT NULL,
        service_id int NOT NULL REFERENCES services,
        created_by_id int NOT NULL REFERENCES users,
        PRIMARY KEY (id, version)
    );
    CREATE TABLE jobs (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        service_id int NOT NULL REFERENCES services,
        created_by_id int REFERENCES users
    );
    CREATE TABLE notifications (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        template_id bigint NOT NULL,
        template_version int NOT NULL,
        job_id bigint REFERENCES jobs,
        service_id int NOT NULL REFERENCES services,
        created_by_id int REFERENCES users,
        filler text,
        FOREIGN KEY (template_id, template_version) REFERENCES templates (id, version)
    );
    CREATE TABLE complaints (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, notification_id bigint);

    INSERT INTO users VALUES (0, 'person@example.gov'), (1, '{address()}');
    INSERT INTO services SELECT n, n % 2 FROM generate_series(1, {SERVICES}) n;
    INSERT INTO user_to_service SELECT created_by_id, id FROM services;
    INSERT INTO templates (version, service_id, created_by_id) SELECT 1, id, created_by_id FROM services;
    INSERT INTO jobs (service_id, created_by_id) SELECT id, created_by_id FROM services;
    INSERT INTO notifications (template_id, template_version, job_id, service_id, created_by_id, filler)
    SELECT t.id, 1, j.id, t.service_id, t.created_by_id, repeat('x', 200)
    FROM templates t JOIN jobs j USING (service_id), generate_series(1, {NOTIFICATIONS});
    INSERT INTO complaints (notification_id) SELECT id FROM notifications WHERE id % 3 = 0;

    CREATE INDEX ON notifications (service_id);
    CREATE INDEX ON notifications (template_id);
    CREATE INDEX ON notifications (job_id);
    ANALYZE;
"""
ONE_MORE: Final = """
    INSERT INTO notifications (template_id, template_version, job_id, service_id, created_by_id)
    SELECT t.id, 1, j.id, t.service_id, 1 FROM templates t JOIN jobs j USING (service_id) WHERE service_id = 1
"""
A_COMPLAINT: Final = """
    INSERT INTO complaints (notification_id) SELECT max(id) FROM notifications WHERE service_id = 1
"""
#: What nobody may ever see.
ORPHANS: Final = """
    SELECT 'complaint', id FROM complaints c
    WHERE NOT EXISTS (SELECT FROM notifications n WHERE n.id = c.notification_id)
    UNION ALL
    SELECT 'notification', id FROM notifications n
    WHERE NOT EXISTS (SELECT FROM templates t WHERE (t.id, t.version) = (n.template_id, n.template_version))
       OR NOT EXISTS (SELECT FROM services s WHERE s.id = n.service_id)
       OR NOT EXISTS (SELECT FROM jobs j WHERE j.id = n.job_id)
    UNION ALL
    SELECT 'template', id FROM templates t WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = t.service_id)
    UNION ALL
    SELECT 'job', id FROM jobs j WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = j.service_id)
"""
#: What is left of the test user's services.
LEFT: Final = """
    SELECT 'user', id FROM users WHERE id = 1
    UNION ALL SELECT 'service', id FROM services WHERE id % 2 = 1
    UNION ALL SELECT 'template', id FROM templates WHERE service_id % 2 = 1
    UNION ALL SELECT 'job', id FROM jobs WHERE service_id % 2 = 1
    UNION ALL SELECT 'notification', id FROM notifications WHERE service_id % 2 = 1
"""
LOCK_TIMEOUT: Final = 0.5
_FOREIGN_KEY = "23503"


def in_batches(**changes: Any) -> PurgeSettings:
    return settings(
        batch_above=100,
        batch_rows=200,
        lock_timeout=LOCK_TIMEOUT,
        owned_through=("user_to_service(user_id -> service_id) -> services(id)",),
        owned_when_empty=("services.created_by_id",),
        # Whoever made it belongs to the service here; the service is what counts.
        actors=("services.created_by_id",),
        implicit=("complaints.notification_id -> notifications.id",),
        **changes,
    )


@pytest.fixture
def busy(database: str) -> str:
    """A database with services of a test user and of a real one, and what was sent for them."""
    run(database, SCHEMA)
    return database


@dataclasses.dataclass
class Writer:
    """Sends for all services, a transaction each, and remembers what was committed and what was refused."""

    url: str
    seed: int
    stop: threading.Event
    sent: Counter[int] = dataclasses.field(default_factory=Counter)
    refused: Counter[tuple[int, str]] = dataclasses.field(default_factory=Counter)
    longest: float = 0.0

    def write(self) -> None:
        rng = random.Random(self.seed)
        with psycopg.connect(plain_url(self.url)) as conn:
            while not self.stop.is_set():
                service = rng.randint(1, SERVICES)
                began = time.monotonic()
                try:
                    self._send(conn, service, rng)
                    self.sent[service] += 1
                except psycopg.Error as error:
                    conn.rollback()
                    self.refused[service, str(error.sqlstate)] += 1
                self.longest = max(self.longest, time.monotonic() - began)

    def _send(self, conn: psycopg.Connection[Any], service: int, rng: random.Random) -> None:
        """As an application does it: a job, sometimes a template, then messages."""
        user = service % 2
        found = conn.execute("SELECT id FROM templates WHERE service_id = %s LIMIT 1", (service,)).fetchone()
        if found is None or rng.random() < 0.2:
            found = conn.execute(
                "INSERT INTO templates (version, service_id, created_by_id) VALUES (1, %s, %s) RETURNING id",
                (service, user),
            ).fetchone()
        job = conn.execute(
            "INSERT INTO jobs (service_id, created_by_id) VALUES (%s, %s) RETURNING id", (service, user)
        ).fetchone()
        assert found is not None
        assert job is not None
        for _ in range(3):
            conn.execute(
                "INSERT INTO notifications (template_id, template_version, job_id, service_id, created_by_id)"
                " VALUES (%s, 1, %s, %s, %s)",
                (found[0], job[0], service, user),
            )
        conn.commit()


@contextmanager
def writing(url: str, count: int) -> Iterator[list[Writer]]:
    """So many writers at work, which have begun."""
    stop = threading.Event()
    writers = [Writer(url, seed, stop) for seed in range(count)]
    threads = [threading.Thread(target=writer.write) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: all(writer.sent for writer in writers))
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_for(fulfilled: Any) -> None:
    deadline = time.monotonic() + 60
    while not fulfilled():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until_done(url: str, given: PurgeSettings) -> int:
    """Runs the purge again as long as it says so, and returns how often it ran."""
    for attempt in itertools.count(1):
        try:
            purge(url, given)
            return attempt
        except errors.Unavailable:
            assert attempt < 10
            assert not orphans(url)
    raise AssertionError


def orphans(url: str) -> list[tuple[object, ...]]:
    return query(url, ORPHANS)


def is_done(url: str) -> bool:
    return not query(url, LEFT) and not orphans(url)


def notifications_of(url: str) -> dict[object, int]:
    """How many each service has."""
    return Counter(service for (service,) in query(url, "SELECT service_id FROM notifications"))


@pytest.mark.parametrize("jobs", [1, 2])
def test_writers_go_on_while_services_are_purged(busy: str, jobs: int) -> None:
    before = notifications_of(busy)
    with writing(busy, 4) as writers:
        runs = until_done(busy, in_batches(jobs=jobs))
        # They write to services that are gone now, and to real ones.
        seen = [sum(writer.sent.values()) for writer in writers]
        wait_for(lambda: all(sum(w.sent.values()) > count for w, count in zip(writers, seen, strict=True)))
    longest = max(writer.longest for writer in writers)
    refused = sum((writer.refused for writer in writers), Counter[tuple[int, str]]())
    print(f"runs: {runs}, longest wait of a writer: {longest:.2f} s, refused: {refused.total()}")  # noqa: T201
    assert is_done(busy)
    assert {state for _, state in refused} <= {_FOREIGN_KEY}
    assert all(service % 2 for service, _ in refused)
    sent = sum((writer.sent for writer in writers), Counter[int]())
    assert notifications_of(busy) == {n: before[n] + 3 * sent[n] for n in range(2, SERVICES + 1, 2)}
    assert longest < 20 * LOCK_TIMEOUT


def test_what_comes_after_its_table_was_drained_goes_as_well(busy: str) -> None:
    arrived: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Drained):
            arrived.append(str(event.table))
            run(busy, ONE_MORE)

    execute_on(busy, plan_of(busy, in_batches()), listen)
    assert "notifications" in arrived
    assert is_done(busy)


def test_what_refers_by_custom_to_rows_that_are_drained_is_no_orphan(busy: str) -> None:
    drained: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, Drained) and event.table.name == "complaints":
            drained.append(str(event.table))
            run(busy, A_COMPLAINT)

    execute_on(busy, plan_of(busy, in_batches()), listen)
    assert drained
    assert is_done(busy)


def test_a_writer_that_stays_in_a_service_is_waited_for_and_its_rows_go(busy: str) -> None:
    waits: list[Event] = []
    with psycopg.connect(plain_url(busy)) as writer:
        writer.execute(ONE_MORE)

        def listen(event: Event) -> None:
            if isinstance(event, Retrying):
                waits.append(event)
                writer.commit()

        execute_on(busy, plan_of(busy, in_batches()), listen)
    assert len(waits) == 1
    assert is_done(busy)


def test_a_writer_that_stays_too_long_makes_the_purge_stop_clean(busy: str) -> None:
    with psycopg.connect(plain_url(busy)) as writer:
        writer.execute(ONE_MORE)
        with pytest.raises(errors.LockNotAvailable):
            purge(busy, in_batches(attempts=2))
        assert not orphans(busy)
        # Nobody waits for the purge: it holds nothing any more.
        run(busy, "SET lock_timeout = '1s'", "UPDATE services SET created_by_id = created_by_id WHERE id = 3")
        writer.commit()
    purge(busy, in_batches())
    assert is_done(busy)
