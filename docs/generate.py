"""Writes the pages that are made from the code: commands, settings, rules; `--check` fails on a stale one."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOTE = "<!-- Made by `make docs` from the code. -->\n"


def pages() -> dict[Path, str]:
    """Every generated page by its path below `docs/`."""
    found = {HERE / "commands.md": commands_page(), HERE / "settings.md": settings_page()}
    return {**found, **dict(rule_pages())}


def commands_page() -> str:
    from notifydb.cli.app import app

    sections = [f"{NOTE}\n# Commands\n"]
    sections += [
        f"\n## notifydb {' '.join(words)}\n\n```\n{help_of(words)}\n```\n" for words in command_names(app)
    ]
    return "".join(sections)


def command_names(app: Any) -> Iterator[tuple[str, ...]]:
    """The words of each command that is shown, groups opened, in the order of the help."""
    import typer

    yield from _names_below(typer.main.get_command(app), ())


def _names_below(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from _names_below(command, (*words, name))
        elif not command.hidden:
            yield (*words, name)


def help_of(words: tuple[str, ...]) -> str:
    from typer.testing import CliRunner

    from notifydb.cli.app import app

    result = CliRunner().invoke(app, [*words, "--help"], prog_name="notifydb", terminal_width=96)
    return "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())


def settings_page() -> str:
    from notifydb.settings.fields import declared
    from notifydb.settings.load import variable_name
    from notifydb.settings.model import Settings

    rows = [
        f"| `{name}` | `{variable_name(name)}` | {_default(setting.default)} | {setting.description} |"
        for name, setting in declared(Settings).items()
    ]
    head = (HERE / "settings.head.md").read_text(encoding="utf-8")
    return (
        f"{NOTE}\n{head}\n| setting | variable | default | what it is |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


def _default(value: object) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`"


def rule_pages() -> Iterator[tuple[Path, str]]:
    """The list of rules, and a page each."""
    from notifydb.lint.registry import load_rules

    rules = load_rules()
    rows = [
        f"| [{rule.name}](rules/{rule.name}.md) | {rule.family} | {rule.severity}"
        f"{', opt-in' if rule.opt_in else ''} | {', '.join(rule.levels)} | {_first_line(rule)} |"
        for rule in rules
    ]
    head = (HERE / "rules.head.md").read_text(encoding="utf-8")
    table = "| rule | family | severity | judged on | finds |\n|---|---|---|---|---|\n"
    yield HERE / "rules.md", f"{NOTE}\n{head}\n{table}" + "\n".join(rows) + "\n"
    for rule in rules:
        yield HERE / "rules" / f"{rule.name}.md", rule_page(rule)


def rule_page(rule: Any) -> str:
    about = "\n".join(f"- {fact}" for fact in rule.about).replace("- Fix:", "- [Fix](../fixes.md):")
    return (
        f"{NOTE}\n# {rule.name}\n\n{rule.documentation}\n\n{about}\n\n"
        f"## What to do instead\n\n```\n{rule.safe_form}\n```\n"
        f"{_examples('Found', rule, rule.bad)}{_examples('Not found', rule, rule.good)}"
    )


def _examples(title: str, rule: Any, examples: Any) -> str:
    shown = [_example(rule, number, example) for number, example in enumerate(examples) if example.code]
    return f"\n## {title}\n\n" + "\n".join(shown) if shown else ""


def _example(rule: Any, number: int, example: Any) -> str:
    """What is judged, and what lint prints: without a database, or as it was recorded with one."""
    from notifydb.lint.demonstration import output

    recorded = traced_outputs().get(f"{rule.name}-{number}") if example in rule.bad else None
    said = recorded or output(rule, example)
    return f"```python\n{example.code}\n```\n" + (f"\n```\n{said}\n```\n" if said else "")


@functools.cache
def traced_outputs() -> dict[str, str]:
    """By rule and number of its bad example what lint prints where only the trace finds it; `make docs-traced`."""
    found: dict[str, str] = json.loads((HERE / "rules" / "traced.json").read_text(encoding="utf-8"))[
        "outputs"
    ]
    return found


def _first_line(rule: Any) -> str:
    return str(rule.documentation).splitlines()[0]


def main() -> int:
    os.environ["COLUMNS"] = "96"
    made = pages()
    stale = [
        path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv:
        for path in stale:
            sys.stderr.write(f"stale: {path.relative_to(HERE.parent)}; run make docs\n")
        return 1 if stale else 0
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
