"""The merge driver in a repository: a line of `.gitattributes`, which is shared, and the clone's own settings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from notifydb.errors import ConfigurationError, UsageError
from notifydb.numbering import git
from notifydb.revisions import changes, diffing

DRIVER: Final = "notifydb-head"
_SECTION: Final = f"merge.{DRIVER}"
#: Several common ancestors are first merged with each other, which is nobody's conflict: there, one is taken.
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        f"{_SECTION}.name": "notifydb: the migration on top",
        f"{_SECTION}.driver": "notifydb git merge-head-file %O %A %B %P %X %Y",
        f"{_SECTION}.recursive": "binary",
    }
)


@dataclasses.dataclass(frozen=True, slots=True)
class DriverPlan:
    """What has to change; as text, a diff of `.gitattributes` and git's commands.

    `before` and `after` are what `attributes` holds, None where there is no file. `settings` are those to
    set; where the driver goes, `forget` is true and there are none.
    """

    attributes: Path
    before: bytes | None
    after: bytes | None
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    forget: bool = False

    def __bool__(self) -> bool:
        return self.before != self.after or bool(self.settings) or self.forget

    def __str__(self) -> str:
        old = self.attributes if self.before is not None else None
        new = self.attributes if self.after is not None else None
        changed = self.before != self.after
        root = self.attributes.parent
        diff = diffing.file_diff(old, new, self.before, self.after, root=root) if changed else ""
        return diff + "".join(f"{line}\n" for line in self.commands())

    def commands(self) -> list[str]:
        """The calls of git that are the same as carrying out the plan, but for the file."""
        if self.forget:
            return [f"git config --local --remove-section {_SECTION}"]
        return [f"git config --local {name} '{value}'" for name, value in self.settings.items()]


def plan_install(head_file: Path) -> DriverPlan:
    """What git still has to be told to merge this file by the driver; ConfigurationError without a repository."""
    attributes, pattern = _place(head_file)
    before = _content(attributes)
    line = f"{pattern} merge={DRIVER}\n".encode()
    after = before
    if not _is_in_force(head_file):
        separated = b"" if not before or before.endswith(b"\n") else b"\n"
        after = (before or b"") + separated + line
    current = _settings(head_file.parent)
    missing = {name: value for name, value in SETTINGS.items() if current.get(name) != value}
    return DriverPlan(attributes, before, after, missing)


def plan_uninstall(head_file: Path) -> DriverPlan:
    """What takes the driver back, for every head file that it was installed for."""
    attributes, _ = _place(head_file)
    before = _content(attributes)
    kept = b"".join(line for line in (before or b"").splitlines(keepends=True) if not _is_ours(line))
    after = None if before is None or (not kept and kept != before) else kept
    return DriverPlan(attributes, before, after, forget=bool(_settings(head_file.parent)))


def carry_out(plan: DriverPlan) -> None:
    """Write the file and the settings; UsageError, in git's words, if one cannot be written."""
    folder = plan.attributes.parent
    try:
        if plan.after is None:
            plan.attributes.unlink(missing_ok=True)
        elif plan.after != plan.before:
            changes.replace_file(plan.attributes, plan.after)
    except OSError as error:
        raise UsageError(f"{plan.attributes} cannot be written: {error.strerror}") from error
    if plan.forget:
        _tell(folder, "--remove-section", _SECTION)
    for name, value in plan.settings.items():
        _tell(folder, "--replace-all", name, value)


def _tell(folder: Path, *arguments: str) -> None:
    answer = git.run(folder, "config", "--local", *arguments)
    if isinstance(answer, git.Unknown):
        raise UsageError(f"git config said: {answer.reason}", hint="git config --local --list --show-origin")


def _place(head_file: Path) -> tuple[Path, str]:
    """The repository's `.gitattributes`, and what stands for the head file in it."""
    answer = git.run(head_file.parent, "rev-parse", "--show-toplevel", "--show-prefix")
    if isinstance(answer, git.Unknown):
        raise ConfigurationError(f"there is no repository to install it in: {answer.reason}", hint="git init")
    top, prefix = answer.decode(errors="surrogateescape").split("\n")[:2]
    return Path(top) / ".gitattributes", _pattern(f"/{prefix}{head_file.name}")


def _pattern(path: str) -> str:
    escaped = re.sub(r"([\\*?\[])", r"\\\1", path)
    if re.search(r'[\s"]', escaped):
        return '"' + re.sub(r'(["\\])', r"\\\1", escaped) + '"'
    return escaped


def _is_in_force(head_file: Path) -> bool:
    answer = git.run(head_file.parent, "check-attr", "merge", "--", head_file.name)
    return isinstance(answer, bytes) and answer.rstrip(b"\n").endswith(f": merge: {DRIVER}".encode())


def _is_ours(line: bytes) -> bool:
    return line.rstrip().endswith(f" merge={DRIVER}".encode())


def _settings(folder: Path) -> dict[str, str]:
    """The driver's settings in this clone; their names are as git writes them, in lower case."""
    answer = git.run(folder, "config", "--local", "-z", "--get-regexp", rf"^{re.escape(_SECTION)}\.")
    if isinstance(answer, git.Unknown):
        return {}
    entries = answer.decode(errors="replace").split("\0")
    return {name: value for name, _, value in (entry.partition("\n") for entry in entries) if name}


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None
