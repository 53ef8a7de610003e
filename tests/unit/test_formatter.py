"""The project's own formatter: used where it works and changes nothing but looks."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from notifydb.autogen import formatter
from notifydb.autogen.formatter import Formatted, format_source

SOURCE = '''"""add login

    Revises: 0001
"""
x = {  'a':1 }
def upgrade( ):
    """Up.   """
    pass
'''
RUFF = '''"""add login

Revises: 0001
"""

x = {"a": 1}


def upgrade():
    """Up."""
    pass
'''


def formatted(root: Path, configured: str | None = None, source: str = SOURCE) -> Formatted:
    return format_source(source, root / "0002_x.py", root, configured)


def python(code: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", code, *arguments])


def test_a_project_without_a_formatter(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.mypy]\nstrict = true\n")
    assert formatted(tmp_path) == Formatted(SOURCE)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pyproject.toml", "[tool.ruff]"), ("pyproject.toml", "[tool.ruff.lint]"),
        ("ruff.toml", ""), (".ruff.toml", ""),
    ],
)  # fmt: skip
def test_ruff_where_the_project_configures_it(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert formatted(tmp_path) == Formatted(RUFF)


def test_the_projects_own_settings_count(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").write_text('[format]\nquote-style = "single"\n')
    assert "x = {'a': 1}" in formatted(tmp_path).source


def test_black_where_the_project_configures_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.black]\n")
    (tmp_path / "black").write_text(
        "#!/bin/sh\ntest \"$1 $2\" = '--quiet --stdin-filename' && sed 's/  / /'\n"
    )
    (tmp_path / "black").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert formatted(tmp_path, source="x =  1\n") == Formatted("x = 1\n")


def test_beside_python_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, text in (("venv", "# venv"), ("path", "# path")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tidy").write_text(f"#!/bin/sh\necho '{text}'; cat\n")
        (tmp_path / folder / "tidy").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"), prepend=":")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    assert formatted(tmp_path, "tidy", "x = 1\n").source == "# venv\nx = 1\n"


def test_a_command_gets_the_path_and_no_shell(tmp_path: Path) -> None:
    code = "import os, sys; print('#', *sys.argv[1:], os.getcwd()); print(sys.stdin.read())"
    done = formatted(tmp_path, python(code, "{path}", "$HOME;"), "x = 1\n")
    assert done.source.splitlines()[0] == f"# {tmp_path}/0002_x.py $HOME; {tmp_path}"


def test_an_empty_command_is_none(tmp_path: Path) -> None:
    (tmp_path / "ruff.toml").touch()
    assert formatted(tmp_path, "") == Formatted(SOURCE)


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("no-such-formatter -", "no-such-formatter is not installed"),
        ("./no/such -", "./no/such cannot be run: No such file or directory"),
        (python("import sys; sys.exit('no line-length')"), "{python} failed: no line-length"),
        (python("import sys; sys.exit(3)"), "{python} failed: exit 3"),
        (python("pass"), "{python} would change what the migration does"),
        (python("print('x = 2')"), "{python} would change what the migration does"),
        (python("print('x = ')"), "{python} makes no Python"),
        (python("import sys; sys.stdout.buffer.write(b'#\\xff')"), "{python} gives back no UTF-8"),
        ("'", "No closing quotation"),
    ],
)
def test_what_is_not_used_is_said(command: str, problem: str, tmp_path: Path) -> None:
    expected = "not formatted: " + problem.replace("{python}", sys.executable)
    assert formatted(tmp_path, command) == Formatted(SOURCE, expected)


def test_a_formatter_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatter, "_SECONDS", 0.2)
    done = formatted(tmp_path, python("import signal; signal.pause()"))
    assert done == Formatted(SOURCE, f"not formatted: {sys.executable} took longer than 0.2 seconds")


def test_a_pyproject_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool")
    assert str(formatted(tmp_path).problem).startswith("not formatted: pyproject.toml cannot be read: ")
