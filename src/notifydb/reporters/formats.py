"""The formats of a report, by their names."""

from __future__ import annotations

from notifydb.reporters import github, gitlab, jsonout, markdown, sarif, terminal
from notifydb.reporters.base import Reporter

#: By the name that `--format` takes; `markdown` is for summary pages.
REPORTERS: dict[str, Reporter] = {
    "terminal": terminal.render,
    "json": jsonout.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "sarif": sarif.render,
    "markdown": markdown.render,
}
