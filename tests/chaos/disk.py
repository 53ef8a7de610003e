"""The disk is full: a tablespace on a small file system in memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

from chaos import truth
from chaos.history import Generated, write
from chaos.kinds import Body, block, sql
from chaos.world import Scenario, World
from notifydb.postgres.connect import autocommit_engine
from notifydb.shadow import cluster

_SMALL, _ROOMY = "16m", "128m"
_BASE: Final[Body] = [
    sql("CREATE TABLE big (id int, filler text) TABLESPACE small"),
    sql("CREATE TABLE users (id int)"),
    sql("INSERT INTO users VALUES (1)"),
]
#: What fills it, and whether a part of that is committed before.
_WAYS: Final[dict[str, tuple[Body, bool]]] = {
    "0002_in_its_transaction": (
        [
            sql("ALTER TABLE users ADD COLUMN age int"),
            sql("INSERT INTO big SELECT n, repeat('x', 1000) FROM generate_series(1, 30000) n"),
        ],
        False,
    ),
    "0002_in_batches": (
        [
            sql("ALTER TABLE users ADD COLUMN size int"),
            *block(
                [
                    "for low in range(0, 30_000, 3000):",
                    "    rows = f'generate_series({low}, {low} + 2999) n'",
                    "    op.execute(f\"INSERT INTO big SELECT n, repeat('y', 1000) FROM {rows}\")",
                ]
            ),
        ],
        True,
    ),
    "0002_by_an_index": (
        [
            sql(
                "CREATE TABLE wide AS SELECT n AS id, repeat(md5(n::text), 8) AS text FROM generate_series(1, 80000) n"
            ),
            *block([sql("CREATE UNIQUE INDEX CONCURRENTLY uq ON wide (text, id) TABLESPACE small")]),
        ],
        True,
    ),
}


def filled(world: World) -> None:
    """The run fails with 6 and says why; with room again, the next one ends at head."""
    scenario = world.scenario("disk")
    place = world.server.folder / "small"
    try:
        _mount(place, world)
    except (OSError, subprocess.CalledProcessError) as error:
        world.figures.missing.append(f"disk: no file system can be mounted here ({error})")
        return
    try:
        with autocommit_engine(world.server.url("postgres")).connect() as conn:
            conn.exec_driver_sql(f"CREATE TABLESPACE small LOCATION '{place / 'space'}'")
        for number, revision in enumerate(_WAYS):
            _fill(scenario, place, number, revision)
    finally:
        # A database that is kept for what was wrong with it loses what it had here.
        world.server.stop()
        subprocess.run(["umount", place], check=True)
        world.server.start()


def _fill(scenario: Scenario, place: Path, number: int, revision: str) -> None:
    folder = scenario.world.folder / "projects" / f"disk{number}"
    write(folder, "0001_base", _BASE)
    base = Generated(folder, ("0001_base",), {})
    before = scenario.undisturbed(base, f"disk{number}")
    body, keeps_a_part = _WAYS[revision]
    write(folder, revision, body)
    project = Generated(folder, ("0001_base", revision), {})
    url = scenario.server.url(f"disk{number}")
    run = scenario.world.upgrade(project, url)
    code = run.wait()
    said = str(run.summary and run.summary.get("error"))
    if code != 6 or "No space left" not in said:
        scenario.violated(f"{revision}: on a full disk it exits with {code} and says: {said}", url, run)
    if not keeps_a_part:
        for each in truth.differences(before, truth.state_of(url)):
            scenario.violated(f"{revision}: not rolled back: {each}", url, run)
    scenario.holds_true(project, url, run)
    scenario.figures.count("disk full", "failed with exit 6, saying so")
    _resize(place, _ROOMY)
    run = scenario.world.upgrade(project, url)
    if (code := run.wait()) != 0:
        scenario.violated(f"{revision}: with room again it exits with {code}", url, run)
    scenario.figures.heard(run)
    expected = scenario.undisturbed(project, f"disk{number}_undisturbed")
    if scenario.holds_true(project, url, run) and scenario.is_same(expected, url, run):
        scenario.figures.count("disk full", "at head when there was room again")
        scenario.drop(f"disk{number}_undisturbed")
        scenario.drop(f"disk{number}")
    _resize(place, _SMALL)


def _mount(place: Path, world: World) -> None:
    """For the user that the server runs as, as a tablespace has to be."""
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_SMALL}", "notifydb-chaos", place],
        check=True,
        capture_output=True,
    )
    (place / "space").mkdir()
    user = cluster.server_user(world.server.data)
    if user is not None:
        for each in (place, place / "space"):
            os.chown(each, user.pw_uid, user.pw_gid)


def _resize(place: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)
