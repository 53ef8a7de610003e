"""What a check found, where, and how it can be mended: all that reporters know."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal


class Severity(enum.StrEnum):
    """How much a finding weighs; only `ERROR` and `WARNING` make a check fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclasses.dataclass(frozen=True, slots=True)
class Location:
    """A place in a file; lines count from 1, `end_line` is inclusive."""

    path: Path
    line: int = 1
    end_line: int | None = None


class Rewrite(enum.Enum):
    """What is to become of the operation that a finding is about."""

    CONCURRENTLY = "it keeps nobody from writing, outside of the transaction"
    VALIDATED_LATER = "it checks new rows only; the next migration checks the old ones"
    PROVED_NOT_NULL = "a check that the next migrations validate spares SET NOT NULL its scan"
    USING_INDEX = "a unique index that is built concurrently becomes the constraint"


@dataclasses.dataclass(frozen=True, slots=True)
class Fix:
    """How to mend a finding, in words and, where it can be pasted, as code.

    `rewrite` is what `lint --fix` can do, once it is proved on the shadow.
    """

    description: str
    code: str | None = None
    safety: Literal["safe", "unsafe"] = "unsafe"
    rewrite: Rewrite | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class LockTaken:
    """A lock that a traced statement was seen to take: `mode` as in `pg_locks`, without `Lock`."""

    relation: str
    mode: str


@dataclasses.dataclass(frozen=True, slots=True)
class RuleInfo:
    """What reports tell about a rule; `severity` is the one that it has unless the settings say otherwise."""

    name: str
    family: str
    severity: Severity
    description: str
    help: str


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One problem at one place.

    `source` tells who found it, `status` whether the shadow database confirmed what the text suggested
    (`confirmed`) or showed what no text could (`raised`). `waits` says who has to wait meanwhile.
    `production_rows` are the rows of the table there, `estimate_ms` how long the statement would take with
    them; both are None where nobody knows. `frames` is the call chain from the migration down to the
    statement, outermost first.
    """

    rule: str
    severity: Severity
    location: Location
    message: str
    revision: str | None = None
    source: Literal["static", "trace"] = "static"
    status: Literal["static", "confirmed", "raised"] = "static"
    sql: str | None = None
    locks: tuple[LockTaken, ...] = ()
    waits: str | None = None
    rows_scanned: int | None = None
    rewrites: tuple[str, ...] = ()
    duration_ms: float | None = None
    production_rows: int | None = None
    estimate_ms: float | None = None
    help: str | None = None
    fix: Fix | None = None
    frames: tuple[Location, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not run, and why; counted in every report."""

    subject: str
    level: Literal["graph", "source", "statement", "trace"]
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The outcome of a lint run.

    `revisions_checked` are migrations, `files_checked` files of plain SQL. `known` counts the findings that a
    baseline left out. `judged` has, of each revision, the rules that could run on all their levels.
    `untraced` is why nothing was run on a shadow; None where it was.
    `rules` are those that were chosen. `server_version` is the shadow's major one.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...] = ()
    refuted: tuple[Finding, ...] = ()
    revisions_checked: int = 0
    files_checked: int = 0
    known: int = 0
    judged: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    untraced: str | None = None
    rules: tuple[RuleInfo, ...] = ()
    server_version: int | None = None

    @property
    def failed(self) -> bool:
        return any(finding.severity is not Severity.INFO for finding in self.findings)


def fingerprints(findings: Sequence[Finding]) -> list[str]:
    """For each finding a digest by which another run knows it again, though its lines have moved.

    It is made of rule, revision and statement (or message), and of the how-manieth of equals it is.
    """
    known: Counter[str] = Counter()
    found = []
    for finding in findings:
        what = " ".join((finding.sql or finding.message).split())
        who = "\0".join((finding.rule, finding.revision or "", what))
        known[who] += 1
        text = f"{who}\0{known[who]}".encode("utf-8", "replace")
        found.append(hashlib.sha256(text).hexdigest()[:32])
    return found
