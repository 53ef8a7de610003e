"""Whole reports, in each format."""

# ruff: noqa: E501
from __future__ import annotations

import json
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from notifydb.findings import Finding, Fix, Location, LockTaken, Report, RuleInfo, Severity, Skipped
from notifydb.reporters.base import View
from notifydb.reporters.formats import REPORTERS

SOURCE = """\
def upgrade():
    op.create_index(
        "ix_users_name", "users", ["name"]
    )
    helper("50 %, \x1b[31mred")
"""


@pytest.fixture
def view(tmp_path: Path) -> View:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "0002_x.py").write_text(SOURCE)
    return View(tmp_path)


def _report(root: Path) -> Report:
    path = root / "versions" / "0002_x.py"
    confirmed = Finding(
        "create-index-not-concurrent",
        Severity.ERROR,
        Location(path, 2, 4),
        "While the index is built on users, every insert, update and delete on it waits.",
        revision="0002_x",
        status="confirmed",
        sql="CREATE INDEX ix_users_name ON users (name)",
        locks=(LockTaken("users", "Share"),),
        waits="every insert, update and delete on users waits",
        rows_scanned=1000,
        duration_ms=3.14159,
        production_rows=12_000_000,
        estimate_ms=41_234.5,
        help="with op.get_context().autocommit_block():\n    ...",
        fix=Fix("Build it concurrently.", "...", "safe"),
        frames=(Location(path, 2, 4),),
    )
    raised = Finding(
        "scan-under-lock",
        Severity.WARNING,
        Location(path, 5, 5),
        "It reads 50 % of users: all of it, and\nmore.",
        revision="0002_x",
        source="trace",
        status="raised",
        sql="DO $$ BEGIN PERFORM 1; END $$",
        rewrites=("users",),
        frames=(Location(path, 5, 5), Location(root / "helpers.py", 7, 7)),
    )
    refuted = Finding("alter-column-type-rewrite", Severity.ERROR, Location(path, 5, 5), "x")
    skipped = Skipped("0003_y", "trace", "there is no server")
    rule = RuleInfo(
        "create-index-not-concurrent", "locking", Severity.ERROR, "CREATE INDEX.\n\nIt locks.", "Build it so:"
    )
    return Report((confirmed, raised), (skipped,), (refuted,), 2, rules=(rule,))


def _render(name: str, view: View) -> str:
    return REPORTERS[name](_report(view.root), view)


def test_terminal(view: View) -> None:
    assert _render("terminal", view) == snapshot("""\
versions/0002_x.py
    2: error: create-index-not-concurrent, confirmed by trace
      2 | op.create_index(
      3 |     "ix_users_name", "users", ["name"]
      4 | )
    sends: CREATE INDEX ix_users_name ON users (name)
    While the index is built on users, every insert, update and delete on it waits.
    Measured: Share on users, 1,000 rows read, 3.1 ms.
    In production: about 40 s with 12 million rows, while every insert, update and delete on
    users waits.
    Safe form:
        with op.get_context().autocommit_block():
            ...

    5: warning: scan-under-lock, raised by trace
      5 | helper("50 %, �[31mred")
    sends: DO $$ BEGIN PERFORM 1; END $$
    It reads 50 % of users: all of it, and more.
    Measured: users rewritten.
    through helpers.py:7

not checked: trace: there is no server: 0003_y
2 findings (1 error, 1 warning) in 2 migrations; 1 check skipped; 1 suspicion refuted by trace (-v shows them).
  next: notifydb rules create-index-not-concurrent
  or, to keep it as it is, on its line: # notifydb: ignore[create-index-not-concurrent] because ...
""")


def test_terminal_verbose(view: View) -> None:
    verbose = View(view.root, verbose=True)
    assert _render("terminal", verbose).splitlines()[-3:] == snapshot(
        [
            "2 findings (1 error, 1 warning) in 2 migrations; 1 check skipped; 1 suspicion refuted by trace.",
            "  next: notifydb rules create-index-not-concurrent",
            "  or, to keep it as it is, on its line: # notifydb: ignore[create-index-not-concurrent] because ...",
        ]
    )


def test_terminal_in_colour_says_the_same(view: View) -> None:
    coloured = _render("terminal", View(view.root, color=True))
    assert coloured.startswith("\x1b[1m")
    assert "\x1b[31mred" not in coloured


def test_terminal_with_nothing_to_say(view: View) -> None:
    assert REPORTERS["terminal"](Report((), revisions_checked=1), view) == "0 findings in 1 migration.\n"


def test_json(view: View) -> None:
    assert json.loads(_render("json", view)) == snapshot(
        {
            "version": 1,
            "counts": {
                "error": 1,
                "warning": 1,
                "info": 0,
                "refuted": 1,
                "skipped": 1,
                "revisions": 2,
                "files": 0,
            },
            "findings": [
                {
                    "rule": "create-index-not-concurrent",
                    "severity": "error",
                    "path": "versions/0002_x.py",
                    "line": 2,
                    "end_line": 4,
                    "revision": "0002_x",
                    "message": "While the index is built on users, every insert, update and delete on it waits.",
                    "source": "static",
                    "status": "confirmed",
                    "sql": "CREATE INDEX ix_users_name ON users (name)",
                    "locks": [{"relation": "users", "mode": "Share"}],
                    "waits": "every insert, update and delete on users waits",
                    "rows_scanned": 1000,
                    "rewrites": [],
                    "duration_ms": 3.14159,
                    "production_rows": 12000000,
                    "estimate_ms": 41234.5,
                    "help": """\
with op.get_context().autocommit_block():
    ...\
""",
                    "fix": {"description": "Build it concurrently.", "code": "...", "safety": "safe"},
                    "frames": [{"path": "versions/0002_x.py", "line": 2, "end_line": 4}],
                    "fingerprint": "ff86e9ede248ad74d3d05db8ad940ecd",
                },
                {
                    "rule": "scan-under-lock",
                    "severity": "warning",
                    "path": "versions/0002_x.py",
                    "line": 5,
                    "end_line": 5,
                    "revision": "0002_x",
                    "message": """\
It reads 50 % of users: all of it, and
more.\
""",
                    "source": "trace",
                    "status": "raised",
                    "sql": "DO $$ BEGIN PERFORM 1; END $$",
                    "locks": [],
                    "waits": None,
                    "rows_scanned": None,
                    "rewrites": ["users"],
                    "duration_ms": None,
                    "production_rows": None,
                    "estimate_ms": None,
                    "help": None,
                    "fix": None,
                    "frames": [
                        {"path": "versions/0002_x.py", "line": 5, "end_line": 5},
                        {"path": "helpers.py", "line": 7, "end_line": 7},
                    ],
                    "fingerprint": "60535c63259d1baddb58f0597ee57236",
                },
            ],
            "refuted": [
                {
                    "rule": "alter-column-type-rewrite",
                    "severity": "error",
                    "path": "versions/0002_x.py",
                    "line": 5,
                    "end_line": 5,
                    "revision": None,
                    "message": "x",
                    "source": "static",
                    "status": "static",
                    "sql": None,
                    "locks": [],
                    "waits": None,
                    "rows_scanned": None,
                    "rewrites": [],
                    "duration_ms": None,
                    "production_rows": None,
                    "estimate_ms": None,
                    "help": None,
                    "fix": None,
                    "frames": [],
                    "fingerprint": "417fa95f21cefccdcd75fe52171203ba",
                }
            ],
            "skipped": [{"subject": "0003_y", "level": "trace", "reason": "there is no server"}],
            "known": 0,
        }
    )


def test_json_of_nothing(view: View) -> None:
    assert json.loads(REPORTERS["json"](Report(()), view)) == {
        "version": 1,
        "counts": {
            "error": 0,
            "warning": 0,
            "info": 0,
            "refuted": 0,
            "skipped": 0,
            "revisions": 0,
            "files": 0,
        },
        "findings": [],
        "refuted": [],
        "skipped": [],
        "known": 0,
    }


def test_github(view: View) -> None:
    assert _render("github", view) == snapshot("""\
::notice title=notifydb lint::1 check skipped:%0Atrace: there is no server (0003_y)
::error file=versions/0002_x.py,line=2,endLine=4,title=create-index-not-concurrent (confirmed)::While the index is built on users, every insert, update and delete on it waits.%0AMeasured: Share on users, 1,000 rows read, 3.1 ms.%0AIn production: about 40 s with 12 million rows, while every insert, update and delete on users waits.%0A%0Awith op.get_context().autocommit_block():%0A    ...
::warning file=versions/0002_x.py,line=5,endLine=5,title=scan-under-lock (raised)::It reads 50 %25 of users: all of it, and%0Amore.%0AMeasured: users rewritten.
""")


def test_sarif(view: View) -> None:
    assert json.loads(_render("sarif", view)) == snapshot(
        {
            "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "notifydb",
                            "version": "0.1.0",
                            "rules": [
                                {
                                    "id": "create-index-not-concurrent",
                                    "shortDescription": {"text": "CREATE INDEX."},
                                    "fullDescription": {"text": "It locks."},
                                    "help": {
                                        "text": """\
CREATE INDEX.

It locks.

What to do instead:

Build it so:\
""",
                                        "markdown": """\
CREATE INDEX.

It locks.

What to do instead:

````
Build it so:
````\
""",
                                    },
                                    "defaultConfiguration": {"level": "error"},
                                    "properties": {"tags": ["locking"]},
                                },
                                {"id": "scan-under-lock"},
                            ],
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "originalUriBaseIds": {"ROOT": {"description": {"text": "The project's root."}}},
                    "invocations": [
                        {
                            "executionSuccessful": True,
                            "toolExecutionNotifications": [
                                {
                                    "level": "warning",
                                    "message": {
                                        "text": "0003_y: the trace was not checked: there is no server"
                                    },
                                }
                            ],
                        }
                    ],
                    "results": [
                        {
                            "ruleId": "create-index-not-concurrent",
                            "ruleIndex": 0,
                            "level": "error",
                            "message": {
                                "text": "While the index is built on users, every insert, update and delete on it waits."
                            },
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {
                                            "uri": "versions/0002_x.py",
                                            "uriBaseId": "ROOT",
                                        },
                                        "region": {"startLine": 2, "endLine": 4},
                                    }
                                }
                            ],
                            "partialFingerprints": {
                                "statement/v1": "ff86e9ede248ad74d3d05db8ad940ecd",
                                "primaryLocationLineHash": "ff86e9ede248ad74d3d05db8ad940ecd:1",
                            },
                            "properties": {
                                "revision": "0002_x",
                                "source": "static",
                                "status": "confirmed",
                                "locks": ["Share on users"],
                                "waits": "every insert, update and delete on users waits",
                                "rowsScanned": 1000,
                                "productionRows": 12000000,
                                "estimateMs": 41234.5,
                            },
                            "stacks": [
                                {
                                    "frames": [
                                        {
                                            "location": {
                                                "physicalLocation": {
                                                    "artifactLocation": {
                                                        "uri": "versions/0002_x.py",
                                                        "uriBaseId": "ROOT",
                                                    },
                                                    "region": {"startLine": 2, "endLine": 4},
                                                }
                                            }
                                        }
                                    ]
                                }
                            ],
                        },
                        {
                            "ruleId": "scan-under-lock",
                            "ruleIndex": 1,
                            "level": "warning",
                            "message": {
                                "text": """\
It reads 50 % of users: all of it, and
more.\
"""
                            },
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {
                                            "uri": "versions/0002_x.py",
                                            "uriBaseId": "ROOT",
                                        },
                                        "region": {"startLine": 5, "endLine": 5},
                                    }
                                }
                            ],
                            "partialFingerprints": {
                                "statement/v1": "60535c63259d1baddb58f0597ee57236",
                                "primaryLocationLineHash": "60535c63259d1baddb58f0597ee57236:1",
                            },
                            "properties": {
                                "revision": "0002_x",
                                "source": "trace",
                                "status": "raised",
                                "locks": [],
                                "waits": None,
                                "rowsScanned": None,
                                "productionRows": None,
                                "estimateMs": None,
                            },
                            "stacks": [
                                {
                                    "frames": [
                                        {
                                            "location": {
                                                "physicalLocation": {
                                                    "artifactLocation": {
                                                        "uri": "helpers.py",
                                                        "uriBaseId": "ROOT",
                                                    },
                                                    "region": {"startLine": 7, "endLine": 7},
                                                }
                                            }
                                        },
                                        {
                                            "location": {
                                                "physicalLocation": {
                                                    "artifactLocation": {
                                                        "uri": "versions/0002_x.py",
                                                        "uriBaseId": "ROOT",
                                                    },
                                                    "region": {"startLine": 5, "endLine": 5},
                                                }
                                            }
                                        },
                                    ]
                                }
                            ],
                        },
                    ],
                }
            ],
        }
    )


def test_a_file_that_is_gone_is_no_error(view: View) -> None:
    (view.root / "versions" / "0002_x.py").unlink()
    assert "create-index-not-concurrent" in _render("terminal", view)
