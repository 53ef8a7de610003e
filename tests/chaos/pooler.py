"""A pooler between the run and the server: PgBouncer, where it is installed."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chaos.world import Scenario, World
from notifydb.postgres.endpoint import wait_until_reachable
from notifydb.shadow import cluster

_PORT: Final = 6432
_SETTINGS: Final = """
[databases]
* = host={sockets} port=5432 user=postgres
[pgbouncer]
listen_addr =
listen_port = {port}
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
max_client_conn = 50
default_pool_size = {size}
ignore_startup_parameters = extra_float_digits
logfile = {folder}/log
pidfile = {folder}/pid
"""


def pooled(world: World) -> None:
    """In transaction mode a run is refused, whether sessions are shared or not; in session mode it works."""
    scenario = world.scenario("pooler")
    if shutil.which("pgbouncer") is None:
        world.figures.missing.append("pooler: pgbouncer is not installed")
        return
    project = scenario.generated("pooler", world.seed, 5)
    for mode, size, allowed in (("transaction", 1, 2), ("transaction", 10, 2), ("session", 10, 0)):
        name = f"pooler_{mode}{size}"
        scenario.database(name)
        with _pooler(scenario, mode, size) as folder:
            url = f"postgresql+psycopg://postgres@/{name}?host={folder}&port={_PORT}"
            wait_until_reachable(url, 20, lambda _: None)
            run = world.upgrade(project, url)
            code = run.wait(60)
        said = str(run.summary and run.summary.get("error"))
        if code != allowed or (code == 2 and "pooler in transaction mode" not in said):
            scenario.violated(
                f"{mode} mode, {size} sessions: it exits with {code} and says: {said}", url, run
            )
        world.figures.count("pooler", f"in {mode} mode: exit {code}")


@contextmanager
def _pooler(scenario: Scenario, mode: str, size: int) -> Iterator[Path]:
    """PgBouncer, as the user that may use the server's socket; its folder."""
    folder = scenario.world.server.folder / f"pooler_{mode}{size}"
    folder.mkdir()
    settings = _SETTINGS.format(
        sockets=scenario.server.sockets, folder=folder, port=_PORT, mode=mode, size=size
    )
    (folder / "settings.ini").write_text(settings)
    user = cluster.server_user(scenario.server.data)
    if user is not None:
        _give(folder, user)
    process = subprocess.Popen(
        ["pgbouncer", "-q", folder / "settings.ini"], stderr=subprocess.DEVNULL,
        user=user and user.pw_uid, group=user and user.pw_gid, extra_groups=[] if user else None,
    )  # fmt: skip
    try:
        yield folder
    finally:
        process.terminate()
        process.wait()
        time.sleep(0.1)


def _give(folder: Path, user: pwd.struct_passwd) -> None:
    for each in (folder, *folder.iterdir()):
        shutil.chown(each, user.pw_uid, user.pw_gid)
