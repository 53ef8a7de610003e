"""`heads` and `history`: from source only, and quick to say what is wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject


@pytest.fixture
def grown(small_project: SmallProject) -> SmallProject:
    small_project.add_all({"0001_users": "pass", "0002_services": "pass"})
    return small_project


def test_heads_and_history(grown: SmallProject, notifydb: Notifydb) -> None:
    assert str(notifydb("heads")) == snapshot("exit 0\n[out]\n0002_services\n")
    assert str(notifydb("history")) == snapshot("exit 0\n[out]\n0001_users\n0002_services (head)\n")
    assert str(notifydb("history", "--limit", "1")) == snapshot("exit 0\n[out]\n0002_services (head)\n")


def test_as_json(grown: SmallProject, notifydb: Notifydb) -> None:
    heads = notifydb("heads", "--format", "json").json
    assert heads == {"version": 1, "heads": ["0002_services"]}
    assert matches_schema("heads", heads)
    history = notifydb("history", "--format", "json").json
    assert matches_schema("history", history)
    assert [each["down_revisions"] for each in history["revisions"]] == [[], ["0001_users"]]


def test_nothing_of_the_history_is_imported(grown: SmallProject, notifydb: Notifydb) -> None:
    path = grown.add("0003_needs_app", "pass")
    path.write_text(path.read_text() + "\nimport app_that_is_not_here\nraise SystemExit(9)\n")
    for command in (["heads"], ["history"], ["migrate", "renumber", "--check"]):
        assert notifydb(*command).code == 0


def test_two_heads(grown: SmallProject, notifydb: Notifydb) -> None:
    grown.add("0002_templates", "pass", down="0001_users")
    assert str(notifydb("heads")) == snapshot("""\
exit 1
[out]
0002_services
0002_templates
[err]
error: the history has 2 heads
  next: notifydb migrate rebase
""")
    refused = notifydb("upgrade", DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert refused.code == 2
    assert "notifydb migrate rebase" in refused.err


def test_a_folder_without_migrations(notifydb: Notifydb, small_project: SmallProject) -> None:
    small_project.project.versions.rmdir()
    assert str(notifydb("heads")) == snapshot("""\
exit 2
[err]
error: there is no migrations folder: looked for alembic/versions in FOLDER
  next: name it with NOTIFYDB_SCRIPT_LOCATION or script_location in [tool.notifydb]
""")


@pytest.mark.parametrize("command", [["--help"], ["heads"], ["history"], ["migrate", "renumber", "--check"]])
def test_reading_the_history_pays_for_no_library_that_it_does_not_need(
    command: list[str], grown: SmallProject
) -> None:
    assert _libraries_of(command, grown) == "[]"


def test_lint_without_a_database_pays_for_no_driver(grown: SmallProject) -> None:
    command = ["lint", "--static", "--all"]
    assert _libraries_of(command, grown) == "['alembic', 'postgast', 'rich', 'sqlalchemy']"


def _libraries_of(command: list[str], project: SmallProject) -> str:
    script = (
        "import sys; sys.argv = ['notifydb', *sys.argv[1:]]\n"
        "from notifydb.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'alembic', 'psycopg', 'postgast', 'pydantic', 'rich', 'libcst'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=project.project.root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stderr.splitlines()[-1]
