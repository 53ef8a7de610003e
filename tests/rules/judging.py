"""Runs the whole engine over a rule's example, as a user's project would be linted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from notifydb.findings import Report
from notifydb.lint import demonstration
from notifydb.lint.example import Example


def judge(
    example: Example, root: Path, mode: Literal["static", "trace"], server_url: str = "", *, also: str = ""
) -> Report:
    """Without a database, or traced on the server; `also` is a rule that runs besides those that always do."""
    return demonstration.judge(example, root, server_url if mode == "trace" else None, also=also)
