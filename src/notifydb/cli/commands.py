"""Every command by its name, and where its function is: what is not called is not imported."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any, Final

import typer
from typer.core import TyperGroup


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """A function of this package as `module:function`, and how the framework shall take it."""

    place: str
    hidden: bool = False
    context_settings: Mapping[str, object] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """Commands that share their first word; `help` is what that word stands for."""

    help: str
    commands: Mapping[str, Command]


#: In the order of the help.
COMMANDS: Final[Mapping[str, Command | Group]] = {
    "upgrade": Command("upgrade:upgrade"),
    # `-1` is a revision here, not an option.
    "downgrade": Command("downgrade:downgrade", context_settings={"ignore_unknown_options": True}),
    "stamp": Command("stamp:stamp"),
    "status": Command("status:status"),
    "current": Command("status:current"),
    "heads": Command("revisions:heads"),
    "history": Command("revisions:history"),
    "check": Command("check:check"),
    "doctor": Command("doctor:doctor"),
    "lint": Command("lint:lint"),
    "rules": Command("rules:rules"),
    "purge": Command("purge:purge"),
    "restore": Command("restore:restore"),
    "settings": Command("settings:settings"),
    "demo": Command("demo:demo"),
    "migrate": Group(
        "Create migrations and keep them in one line.",
        {
            "new": Command("new:new"),
            "renumber": Command("renumber:renumber"),
            "head-file": Command("head_file:head_file"),
            "rebase": Command("rebase:rebase"),
        },
    ),
    "git": Group(
        "What git can be taught about migrations.",
        {
            "install": Command("git:install"),
            "merge-head-file": Command("git:merge_head_file", hidden=True),
        },
    ),
    "environment": Group(
        "The database's own mark of what it is.",
        {"show": Command("environment:show"), "set": Command("environment:set_")},
    ),
    "db": Group(
        "The embedded development Postgres.",
        {
            "start": Command("db:start"),
            "stop": Command("db:stop"),
            "status": Command("db:status"),
            "url": Command("db:url"),
            "psql": Command("db:psql"),
            "reset": Command("db:reset"),
        },
    ),
}


class CommandGroup(TyperGroup):
    """Makes a command when it is called, and all of them for the help."""

    entries: Mapping[str, Command | Group]

    def hold(self, entries: Mapping[str, Command | Group]) -> None:
        self.entries = entries
        # The framework suggests one of these names for a mistyped one.
        self.commands = dict.fromkeys(entries)  # type: ignore[assignment]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(self.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        entry = self.entries.get(cmd_name)
        if isinstance(entry, Group):
            return _group(cmd_name, entry)
        return entry and _command(cmd_name, entry)


def _group(name: str, entry: Group) -> CommandGroup:
    app = typer.Typer(
        name=name, help=entry.help, cls=CommandGroup, no_args_is_help=True, rich_markup_mode=None
    )
    group: Any = typer.main.get_group(app)
    group.hold(entry.commands)
    return group  # type: ignore[no-any-return]


def _command(name: str, entry: Command) -> Any:
    module, _, function = entry.place.partition(":")
    callback = getattr(importlib.import_module(f"notifydb.cli.{module}"), function)
    settings = dict(entry.context_settings or {})
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, hidden=entry.hidden, context_settings=settings)(callback)
    return typer.main.get_command(app)
