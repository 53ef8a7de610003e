"""The design, held by the test run: layers, sizes, who prints, which pages are stale."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT

SOURCES = sorted((ROOT / "src").rglob("*.py"))
SOURCE_IDS = [str(path.relative_to(ROOT / "src")) for path in SOURCES]


def test_layers() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=SOURCE_IDS)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no docstring"
    assert len(text.splitlines()) <= 400
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno > 60]
    assert not long


def test_only_the_command_line_exits() -> None:
    for path in SOURCES:
        if "cli" in path.parts:
            continue
        names = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
        }
        assert not names & {"sys.exit", "exit", "quit", "input", "print", "os._exit"}, path


def test_what_destroys_takes_a_permit() -> None:
    from notifydb.guard import Permit
    from notifydb.purge.execute import execute
    from notifydb.runner.upgrade import Runner
    from notifydb.shadow.server import Server

    for function in (execute, Runner.downgrade, Runner.stamp, Server.reset):
        annotations = inspect.get_annotations(function, eval_str=True)
        assert any(Permit.__name__ in str(annotation) for annotation in annotations.values()), function


def test_the_alembic_folder_is_no_package() -> None:
    """An `__init__.py` in it would shadow the installed Alembic."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def test_generated_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/json.md", "docs/deploy.md"])
def test_every_path_that_a_page_names_is_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    assert links
    missing = [link for link in links if not ((ROOT / name).parent / link).exists()]
    assert not missing


def test_every_command_is_in_the_readme() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    from notifydb.cli.app import app

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [words for words in generate.command_names(app) if f"notifydb {' '.join(words)}" not in readme]
    assert not missing


def test_every_schema_is_a_schema_and_is_listed() -> None:
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs" / "json").glob("*.json")):
        assert json.loads(path.read_text())["properties"]["version"] == {"const": 1}
        assert f"json/{path.name}" in page


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):(.*)$", makefile, re.MULTILINE)
    assert len(targets) > 15
    assert not [name for name, rest in targets if "## " not in rest]
