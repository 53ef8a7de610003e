"""What can be wrong with a head file, one test a case: what lint says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb import errors
from notifydb.findings import Report, Severity
from notifydb.lint.engine import lint
from notifydb.lint.options import Options
from notifydb.migrator.config import Project, find_project
from notifydb.revisions import headfile
from notifydb.revisions.reader import read_history

MIGRATION = '''\
"""{revision}"""

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    raise NotImplementedError


def downgrade():
    raise NotImplementedError
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with a migration on top of another."""
    (tmp_path / "alembic" / "versions").mkdir(parents=True)
    made = Project(tmp_path, tmp_path / "alembic")
    add(made, "0001_users", None)
    add(made, "0002_name", "0001_users")
    return made


def add(project: Project, revision: str, down: str | None) -> None:
    text = MIGRATION.format(revision=revision, down=down)
    (project.versions / f"{revision}.py").write_text(text)


def judged(project: Project, content: bytes | None, *, asked: tuple[str, ...] = ("0002_name",)) -> Report:
    """Lints the revisions `asked` for, with a head file that holds `content`."""
    path = project.script_location / headfile.HEAD_FILE
    if content is not None:
        path.write_bytes(content)
    options = Options(mode="static", imports=False, head_file=path)
    return lint(read_history(project.versions), asked, project, shadows=None, options=options)


def said(report: Report) -> list[tuple[str, Severity, str]]:
    return [(each.rule, each.severity, each.message) for each in report.findings]


def error(message: str) -> list[tuple[str, Severity, str]]:
    return [("head-file", Severity.ERROR, f".current-alembic-head {message}")]


def test_ok(project: Project) -> None:
    assert said(judged(project, b"0002_name\n")) == []


def test_ok_without_a_newline_and_with_a_windows_one(project: Project) -> None:
    assert said(judged(project, b"0002_name")) == []
    assert said(judged(project, b"0002_name\r\n")) == []


def test_e001_missing_is_told_and_is_no_failure(project: Project) -> None:
    report = judged(project, None)
    ((rule, severity, message),) = said(report)
    assert (rule, severity, report.failed) == ("head-file", Severity.INFO, False)
    assert message == (
        ".current-alembic-head is missing: two branches that each add a migration merge without a conflict."
    )


def test_e002_several_lines(project: Project) -> None:
    assert said(judged(project, b"0001_users\n0002_name\n")) == error("names 2 revisions.")


def test_e002_conflict_markers(project: Project) -> None:
    report = judged(project, b"<<<<<<< HEAD\n0002_name\n=======\n0002_other\n>>>>>>> other\n")
    assert [each.message for each in report.findings] == [
        "git left conflict markers in .current-alembic-head."
    ]
    assert report.failed


def test_empty_file(project: Project) -> None:
    assert said(judged(project, b"\n")) == error("is empty.")


def test_e003_unknown_name(project: Project) -> None:
    assert said(judged(project, b"0003_gone\n")) == error("names '0003_gone', which no migration has.")


def test_e003_garbage(project: Project) -> None:
    assert said(judged(project, b"\x00\xff\n")) == error(
        "names '\\x00\N{REPLACEMENT CHARACTER}', which no migration has."
    )


def test_e004_not_the_head(project: Project) -> None:
    assert said(judged(project, b"0001_users\n")) == error("names 0001_users, and the head is 0002_name.")


def test_e005_two_heads_are_told_by_the_rule_for_them(project: Project) -> None:
    add(project, "0002_other", "0001_users")
    report = judged(project, b"0002_name\n")
    assert [each.rule for each in report.findings] == ["several-heads"]
    found = headfile.read(project.script_location / headfile.HEAD_FILE, read_history(project.versions))
    assert (found.problem, found.message) == (
        headfile.HeadProblem.SEVERAL_HEADS,
        ".current-alembic-head names 0002_name, and there are 2 heads",
    )


def test_every_finding_says_what_to_type(project: Project) -> None:
    for content in (None, b"", b"a b", b"0003_gone", b"0001_users", b"<<<<<<< a\n"):
        (finding,) = judged(project, content).findings
        assert (finding.help or "").startswith("notifydb migrate head-file\n")
        (project.script_location / headfile.HEAD_FILE).unlink(missing_ok=True)


def test_a_folder_in_its_place(project: Project) -> None:
    (project.script_location / headfile.HEAD_FILE).mkdir()
    assert said(judged(project, None)) == error("cannot be read: Is a directory.")


def test_it_is_told_once_and_even_if_no_migration_was_asked_about(project: Project) -> None:
    both = said(judged(project, b"", asked=("0001_users", "0002_name")))
    assert both == said(judged(project, b"", asked=())) == error("is empty.")


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="there is no migrations folder"):
        find_project(tmp_path)


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "alembic" / "versions").mkdir(parents=True)
    assert said(judged(Project(tmp_path, tmp_path / "alembic"), None, asked=())) == []


def test_a_folder_of_other_files(tmp_path: Path) -> None:
    versions = tmp_path / "alembic" / "versions"
    versions.mkdir(parents=True)
    (versions / "README").write_text("0001_users")
    (versions / "helpers.py").write_text("def quoted(name): return name\n")
    assert said(judged(Project(tmp_path, tmp_path / "alembic"), None, asked=())) == []


def test_skipped_by_the_setting(project: Project) -> None:
    assert headfile.path_in(project.script_location, "") is None
    options = Options(mode="static", imports=False, head_file=None)
    history = read_history(project.versions)
    assert lint(history, ["0002_name"], project, shadows=None, options=options).findings == ()


@pytest.mark.parametrize(
    "name",
    ["a/b", "../x", "/etc/passwd", ".", "..", "versions", "a\\b", "a\nb", "a\0", "env.py", "script.py.mako"],
)
def test_a_name_that_is_no_name_of_a_head_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="head_file = "):
        headfile.path_in(tmp_path, name)


def test_a_name_of_ones_own(tmp_path: Path) -> None:
    assert headfile.path_in(tmp_path, "max_migration.txt") == tmp_path / "max_migration.txt"
