"""What the rules' pages say that the trace finds is what it finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import ROOT, query
from notifydb.lint.demonstration import output
from notifydb.lint.registry import load_rules

RECORDED: dict[str, Any] = json.loads((ROOT / "docs" / "rules" / "traced.json").read_text(encoding="utf-8"))
EXAMPLES = {
    f"{rule.name}-{number}": (rule, each) for rule in load_rules() for number, each in enumerate(rule.bad)
}


@pytest.fixture(scope="module")
def version(server_url: str) -> int:
    return int(str(query(server_url, "SHOW server_version_num")[0][0])) // 10_000


@pytest.mark.postgres
@pytest.mark.parametrize("name", RECORDED["outputs"])
def test_a_recorded_output_is_real(name: str, server_url: str, version: int) -> None:
    """Mended by `make docs-traced docs`. Another version than the recorded one may say it in other words."""
    rule, example = EXAMPLES[name]
    found = output(rule, example, server_url) or ""
    if version == RECORDED["server_version"]:
        assert found == RECORDED["outputs"][name]
    else:
        assert rule.name in found or example.since > version


def test_only_what_needs_the_trace_is_recorded() -> None:
    assert all(EXAMPLES[name][1].trace_only for name in RECORDED["outputs"])
