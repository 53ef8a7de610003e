"""What the project's settings make of a finding: how much it weighs, and where its rule is off."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections.abc import Mapping

from notifydb.findings import Finding
from notifydb.lint.options import Options
from notifydb.revisions import naming

_RANGE = re.compile(r"(\d+)-(\d+)")


class Policy:
    """The settings `severity` and `per_file`, which name rules or families."""

    def __init__(self, families: Mapping[str, str], options: Options) -> None:
        """`families` has the family of each rule."""
        self._families = families
        self._options = options

    def weighed(self, finding: Finding) -> Finding:
        """The finding with the severity that its rule, or else its family, is given."""
        given = self._options.severities
        names = (finding.rule, self._families.get(finding.rule, ""))
        severity = next((given[name] for name in names if name in given), finding.severity)
        return dataclasses.replace(finding, severity=severity)

    def is_off(self, finding: Finding) -> bool:
        """Whether the finding's rule is off in the finding's file."""
        names = {finding.rule, self._families.get(finding.rule)}
        return any(
            names & off and _matches(pattern, finding) for pattern, off in self._options.per_file.items()
        )


def _matches(pattern: str, finding: Finding) -> bool:
    numbers = _RANGE.fullmatch(pattern)
    if numbers is None:
        return fnmatch.fnmatch(finding.location.path.name, pattern)
    number = naming.number_of(finding.revision or "")
    return number is not None and int(numbers[1]) <= number <= int(numbers[2])
