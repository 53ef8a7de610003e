"""Findings in, text out: one function for each format; nothing here prints."""

from __future__ import annotations

from notifydb.reporters import github, jsonout, sarif, terminal
from notifydb.reporters.base import Reporter, View

#: By the name that `--format` takes.
REPORTERS: dict[str, Reporter] = {
    "terminal": terminal.render,
    "json": jsonout.render,
    "github": github.render,
    "sarif": sarif.render,
}

__all__ = ["REPORTERS", "Reporter", "View"]
