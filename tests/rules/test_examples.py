"""Every rule's examples, through the whole engine: the bad ones yield their own rule, the good ones nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rules.judging import judge

from notifydb.findings import Report
from notifydb.lint.example import Example
from notifydb.lint.registry import load_rules
from notifydb.lint.rule import Claim, Rule
from notifydb.postgres.connect import autocommit_engine
from notifydb.sql.locks import LockMode


def _cases(kind: str, *, static: bool) -> list[Any]:
    return [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in load_rules()
        for number, example in enumerate(getattr(rule, kind))
        if not (example.trace_only if static else _is_about_text(rule))
    ]


def _is_about_text(rule: Rule) -> bool:
    """Whether a run on a shadow tells the rule nothing: it looks at the files."""
    return bool(rule.levels) and {"graph", "source"}.issuperset(rule.levels) and not rule.runs_downgrade


@pytest.mark.parametrize(("rule", "example"), _cases("bad", static=True))
def test_bad_without_a_database(rule: Rule, example: Example, tmp_path: Path) -> None:
    assert _names(judge(example, tmp_path, "static", also=rule.name)) == {rule.name}


@pytest.mark.parametrize(("rule", "example"), _cases("good", static=True))
def test_good_without_a_database(rule: Rule, example: Example, tmp_path: Path) -> None:
    assert _names(judge(example, tmp_path, "static", also=rule.name)) == set()


@pytest.mark.postgres
@pytest.mark.parametrize(("rule", "example"), _cases("bad", static=False))
def test_bad_on_the_shadow(rule: Rule, example: Example, tmp_path: Path, server_url: str) -> None:
    report = judge(example, tmp_path, "trace", server_url, also=rule.name)
    if _is_too_new(example, server_url):
        assert "needs-newer-postgres" in _names(report)
        return
    assert _names(report) == {rule.name}
    is_other_version = "target_version" in example.options
    if rule.claim is not Claim.NOTHING and rule.levels != ("graph",) and not is_other_version:
        assert {finding.status for finding in report.findings} <= {"confirmed", "raised"}
    if rule.lock is not None:
        modes = [LockMode.from_catalog(lock.mode) for each in report.findings for lock in each.locks]
        assert max(modes) >= rule.lock
    if rule.claim is Claim.SCAN:
        assert all((finding.rows_scanned or 0) >= 1000 for finding in report.findings)
    if rule.claim is Claim.REWRITE:
        assert all(finding.rewrites for finding in report.findings)


@pytest.mark.postgres
@pytest.mark.parametrize(("rule", "example"), _cases("good", static=False))
def test_good_on_the_shadow(rule: Rule, example: Example, tmp_path: Path, server_url: str) -> None:
    report = judge(example, tmp_path, "trace", server_url, also=rule.name)
    assert _names(report) == ({"needs-newer-postgres"} if _is_too_new(example, server_url) else set())
    assert report.skipped == ()


def test_rules_that_only_the_trace_serves_say_so() -> None:
    """Whatever has no bad example for static mode needs the trace, and nothing else does."""
    unseen = {rule.name for rule in load_rules() if all(example.trace_only for example in rule.bad)}
    assert unseen == {
        "add-column-constrained-domain",
        "delete-cascades",
        "downgrade-fails",
        "downgrade-incomplete",
        "drop-locks-referenced",
        "function-overload",
        "leaves-invalid-index",
        "migration-fails",
        "rewrite-under-lock",
        "scan-under-lock",
    }


def _is_too_new(example: Example, server_url: str) -> bool:
    with autocommit_engine(server_url).connect() as connection:
        version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    return example.since > int(version) // 10_000


def _names(report: Report) -> set[str]:
    return {finding.rule for finding in report.findings}
