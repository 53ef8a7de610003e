"""The table of commands: every row leads somewhere, and a call imports its own module only."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from notifydb.cli.app import app
from notifydb.cli.commands import COMMANDS, Command, Group

ROWS: dict[tuple[str, ...], Command] = {}
for first, row in COMMANDS.items():
    if isinstance(row, Group):
        ROWS |= {(first, second): each for second, each in row.commands.items()}
    else:
        ROWS[first,] = row


@pytest.mark.parametrize("words", ROWS, ids=" ".join)
def test_every_row_is_a_command_that_says_what_it_does(words: tuple[str, ...]) -> None:
    found = typer.main.get_command(app)
    for word in words:
        found = found.get_command(None, word)  # type: ignore[attr-defined]
    assert found.name == words[-1]
    assert found.help
    assert found.hidden is ROWS[words].hidden


def loaded_by(*arguments: str) -> list[str]:
    """The modules that have a command in them and were imported for the call."""
    places = sorted({entry.place.partition(":")[0] for entry in ROWS.values()})
    script = (
        "import sys; sys.argv = ['notifydb', *sys.argv[1:]]\n"
        "from notifydb.cli.app import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(*[each for each in {places} if f'notifydb.cli.{{each}}' in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return done.stderr.splitlines()[-1].split()


def test_only_the_module_of_the_called_command_is_imported() -> None:
    assert loaded_by("--version") == []
    assert loaded_by("heads", "--help") == ["revisions"]
    assert loaded_by("migrate", "renumber", "--help") == ["renumber"]
    assert "upgrade" in loaded_by("--help")


def test_a_mistyped_command_is_told_the_near_one_though_none_is_loaded() -> None:
    for words, near in ((["head"], "heads"), (["migrate", "renumbr"], "renumber")):
        done = subprocess.run(
            [sys.executable, "-m", "notifydb", *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert f"Did you mean '{near}'?" in done.stderr
