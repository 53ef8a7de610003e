"""What a command loads as it starts."""

from __future__ import annotations

import subprocess
import sys

#: Whatever the arguments are, a command begins like this.
_COMMAND = """\
import sys
from notifydb.cli import app
sys.argv = ["notifydb", "--version"]
try:
    app.main()
except SystemExit:
    pass
"""


def run(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND + program], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[1:]


def test_alembic_does_not_load_what_colours_error_pages() -> None:
    program = "import alembic.op; print(*(name in sys.modules for name in ('mako.exceptions', 'pygments')))"
    assert run(program) == ["True False"]


def test_an_application_has_its_error_pages_all_the_same() -> None:
    program = """\
import mako.exceptions
from mako.template import Template
try:
    Template("${missing}", strict_undefined=True).render()
except NameError:
    print("missing" in mako.exceptions.html_error_template().render_unicode())
"""
    assert run(program) == ["True"]
