"""`notifydb rules` as a user reads it."""

from __future__ import annotations

import re

from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema


def test_the_list_is_by_family(notifydb: Notifydb) -> None:
    lines = notifydb("rules").out.splitlines()
    families = [line for line in lines if not line.startswith(" ")]
    assert families == sorted(families)
    rows = [re.split(r"  +", line.strip()) for line in lines if line.startswith(" ")]
    assert all(severity in ("error", "warning", "info") for _, severity, *_ in rows)
    assert ["create-index-not-concurrent", "error", "statement"] in [row[:3] for row in rows]
    choices = [row for row in rows if row[3].startswith("(opt-in) ")]
    assert 0 < len(choices) < len(rows)


def test_json_for_all_and_with_examples_for_one(notifydb: Notifydb) -> None:
    found = notifydb("rules", "--format", "json").json
    assert matches_schema("rules", found)
    assert len(found["rules"]) == len([line for line in notifydb("rules").out.splitlines() if line[0] == " "])
    (rule,) = notifydb("rules", "create-index-not-concurrent", "--format", "json").json["rules"]
    assert matches_schema("rules", {"version": 1, "rules": [rule]})
    assert (rule["lock"], rule["waits"]) == ("Share", "every insert, update and delete on the table waits")
    assert all("create-index-not-concurrent" in example["output"] for example in rule["bad"])
    assert all(example["output"] is None for example in rule["good"])


def test_one_rule(notifydb: Notifydb) -> None:
    assert str(notifydb("rules", "id-too-long")) == snapshot("""\
exit 0
[out]
id-too-long
  Family: history
  Severity: error
  Judged on: graph

A revision id of more than 32 characters.

`alembic_version.version_num` is VARCHAR(32). A longer id fails only when the migration has run and is to
be stamped; what an autocommit block did by then stays, and the next attempt fails on it.

What to do instead:

    Shorten the id and the file's name: `notifydb migrate renumber` does both, and mends the next
    migration's
    down_revision.

Found:

    op.execute("SELECT 1")

lint says:

    migrations/versions/0002_a_rather_long_description_of_it.py
        8: error: id-too-long
          8 | revision = "0002_a_rather_long_description_of_it"
        The id 0002_a_rather_long_description_of_it has 36 characters, and alembic_version holds 32:
        the migration fails after it has run.
        Safe form:
            Shorten the id and the file's name: `notifydb migrate renumber` does both, and mends the
            next migration's down_revision.

Not found:

    op.execute("SELECT 1")

""")


def test_one_that_only_the_trace_serves(notifydb: Notifydb) -> None:
    out = notifydb("rules", "rewrite-under-lock").out
    assert "Found (by the trace only):" in out
    assert "lint says" not in out
