"""What a command loads as it starts."""

from __future__ import annotations

import subprocess
import sys


def run(program: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_running_migrations_does_not_load_what_colours_error_pages() -> None:
    loaded = "print(*(name in sys.modules for name in ('alembic.op', 'pygments')))"
    assert run(f"import sys; import notifydb.migrator.execute; {loaded}") == ["True", "False"]


def test_an_application_has_its_error_pages_all_the_same() -> None:
    program = """\
import notifydb.migrator.execute
import mako.exceptions
from mako.template import Template
try:
    Template("${missing}", strict_undefined=True).render()
except NameError:
    print("missing" in mako.exceptions.html_error_template().render_unicode())
try:
    Template("<% never closed")
except mako.exceptions.SyntaxException as error:
    print(type(error).__name__)
"""
    assert run(program) == ["True", "SyntaxException"]
