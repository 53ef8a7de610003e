"""`sys.exit()` in the project's code, and what else ends a process: no command takes it for its own end."""

from __future__ import annotations

import json

import pytest

from cli.conftest import Notifydb
from conftest import SmallProject, query

TABLE = 'op.execute("CREATE TABLE t (i int)")\n'
OWN = "class Halt(BaseException):\n    pass\nraise Halt('enough')"
ROWS = "SELECT revision, outcome FROM notifydb.history"


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("import sys\nsys.exit(0)", "it called sys.exit(0)"),
        ('import sys\nsys.exit("bye")', "it called sys.exit('bye')"),
        (OWN, "it raised Halt: enough"),
        ("raise GeneratorExit", "it raised GeneratorExit"),
    ],
)
def test_a_migration_that_ends_the_process_has_failed(
    ending: str, said: str, small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass")
    small_project.add("0002_ends", TABLE + ending)
    done = notifydb("upgrade", DATABASE_URL=database)
    assert done.code == 6, done.err
    assert "0002_ends failed in upgrade() at 0002_ends.py:" in done.err
    assert said in done.err
    assert "1 of 2 done" in done.err
    assert query(database, ROWS) == [("0001_one", "done"), ("0002_ends", "failed")]
    assert query(database, "SELECT to_regclass('t')") == [(None,)]


def test_a_downgrade_that_ends_the_process_has_failed_and_is_summed_up(
    small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass", downgrade="import sys\nsys.exit(0)")
    assert notifydb("upgrade", DATABASE_URL=database).code == 0
    done = notifydb(
        "downgrade", "base", "--log-format", "json", DATABASE_URL=database, NOTIFYDB_ENVIRONMENT="development"
    )
    assert done.code == 6, done.err
    assert json.loads(done.out.splitlines()[-1])["outcome"] == "failed"


@pytest.mark.parametrize("options", [(), ("--plan",), ("--sql",)])
def test_a_migration_file_that_ends_the_process_is_not_importable(
    options: tuple[str, ...], small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    path = small_project.add("0001_ends", TABLE)
    path.write_text(f"{path.read_text()}\nimport sys\nsys.exit(0)\n")
    done = notifydb("upgrade", *options, DATABASE_URL=database)
    assert done.code not in (0, 70), done.err
    assert "it called sys.exit(0)" in done.err


@pytest.mark.parametrize(("option", "code"), [("--plan", 0), ("--sql", 6)])
def test_a_preview_tells_of_a_migration_that_ends_the_process(
    option: str, code: int, small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_ends", TABLE + "import sys\nsys.exit(0)")
    done = notifydb("upgrade", option, DATABASE_URL=database)
    assert done.code == code, str(done)
    assert "it called sys.exit(0)" in str(done)


@pytest.mark.parametrize("place", ["import", "make", "enter"])
def test_a_bootstrap_that_ends_the_process_is_a_configuration_error(
    place: str, small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass")
    sources = {
        "import": "import sys\nsys.exit(0)",
        "make": "import sys\ndef context(): sys.exit(0)",
        "enter": "import contextlib, sys\n@contextlib.contextmanager\ndef context():\n    sys.exit(0)\n    yield",
    }
    (small_project.project.root / "starting.py").write_text(sources[place])
    done = notifydb("upgrade", DATABASE_URL=database, NOTIFYDB_BOOTSTRAP="starting:context")
    assert done.code == 2, str(done)
    assert "NOTIFYDB_BOOTSTRAP=starting:context cannot be" in done.err
    assert "it called sys.exit(0)" in done.err


def test_models_that_end_the_process_do_not_pass_the_check(
    small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass")
    (small_project.project.root / "ending.py").write_text("import sys\nsys.exit(0)")
    done = notifydb("check", DATABASE_URL=database, NOTIFYDB_METADATA="ending:metadata")
    assert done.code == 2, str(done)
    assert "NOTIFYDB_METADATA=ending:metadata cannot be loaded: it called sys.exit(0)" in done.err


def test_whatever_else_ends_the_process_is_no_success(
    small_project: SmallProject, database: str, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass")
    leaving = "import contextlib, sys\n@contextlib.contextmanager\ndef context():\n    yield\n    sys.exit(0)"
    (small_project.project.root / "leaving.py").write_text(leaving)
    done = notifydb("upgrade", DATABASE_URL=database, NOTIFYDB_BOOTSTRAP="leaving:context")
    assert done.code == 70, str(done)
    assert "the project's code ended the command: SystemExit(0)" in done.err
