"""`notifydb purge --explain` and `--suggest-config`: the relations of a database, shown and put into settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from notifydb.cli.options import OutputFormat

if TYPE_CHECKING:
    from notifydb.cli.console import Console
    from notifydb.cli.deps import Deps
    from notifydb.purge.explain import Explanation

_HEADINGS: Final = {
    "follow": "followed: these rows go with what they refer to",
    "refuse": "kept, and in the way: such rows stay, and a purge that would take what they refer to is refused",
    "null": "kept: such rows let go of what they refer to",
    "reassign": "kept: such rows refer to another row afterwards",
    "server": "kept: the server lets go by itself",
    "leave": "left: such rows will refer to nothing",
    "suspect": "suspected: looks like a relation; follow it (purge.implicit), waive it or give it a policy",
    "refuted": "looks like a relation, but the values say that it is none",
    "waived": "waived: looks like a relation and is none",
}


def run_explain(deps: Deps, output: OutputFormat) -> None:
    """Shows what a purge of the configured database would follow, and why; reads only."""
    from notifydb.postgres import failures
    from notifydb.postgres.connect import make_engine
    from notifydb.purge.explain import explain
    from notifydb.purge.session import told_in_words

    engine = make_engine(deps.database.url, application_name="notifydb purge --explain")
    with (
        failures.translated(),
        told_in_words(),
        engine.connect() as conn,
        deps.console.working("looking at the relations"),
    ):
        explanation = explain(conn, deps.settings.purge)
    if output is OutputFormat.JSON:
        deps.console.json(explanation.to_json())
    else:
        show_explanation(deps.console, explanation)


def show_explanation(console: Console, explanation: Explanation) -> None:
    """Every relation below what becomes of its rows, with the rule that says so."""
    console.data(f"database {explanation.database}: a purge starts at {explanation.root}")
    for group in explanation.groups:
        console.data(f"groups that go with the last of their members: {group}")
    for policy, heading in _HEADINGS.items():
        relations = [each for each in explanation.relations if each.policy == policy]
        if relations:
            console.data("")
            console.data(f"{heading} ({len(relations)})", style="bold")
        for each in relations:
            console.data(f"  {each.relation}  [{each.origin}: {each.why}]")
    if explanation.untouched:
        console.data("")
        console.data(f"no part in it: {', '.join(explanation.untouched)}")
    for text in explanation.unsupported:
        console.say(f"blocked: {text}", style="bold red")
    for text in explanation.unknown:
        console.say(f"warning: {text} is not in this database", style="yellow")


def run_suggest(deps: Deps) -> None:
    """Writes settings for the configured database, as a first draft, to stdout; reads only."""
    from notifydb.postgres import failures
    from notifydb.postgres.connect import make_engine
    from notifydb.purge.session import told_in_words
    from notifydb.purge.suggest import suggest

    engine = make_engine(deps.database.url, application_name="notifydb purge --suggest-config")
    with (
        failures.translated(),
        told_in_words(),
        engine.connect() as conn,
        deps.console.working("looking at the relations"),
    ):
        suggestion = suggest(conn)
    deps.console.raw(suggestion.toml())
    for note in suggestion.notes:
        deps.console.say(note, style="yellow")
