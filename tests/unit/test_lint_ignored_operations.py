"""An ignore beside one operation silences that one and no other, however the operations are written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifydb.findings import Report
from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.migrator.config import Project
from notifydb.revisions.reader import read_history

#: How a column is dropped; an ignore stands in the line above `COMMENT`, or at the end of that line.
FORMS = (
    'op.drop_column("users", "{column}")COMMENT',
    'op.drop_column(COMMENT\n    "users",\n    "{column}",\n)',
    'op.drop_column(\n    "users", "{column}",COMMENT\n)',
    'op.execute("ALTER TABLE users DROP COLUMN {column}")COMMENT',
    'op.execute(f"""\n    ALTER TABLE {{"users"}}\n    DROP COLUMN {column}\n""")COMMENT',
    'with op.get_context().autocommit_block():COMMENT\n    op.drop_column("users", "{column}")',
    'with op.get_context().autocommit_block():\n    op.drop_column("users", "{column}")COMMENT',
    'with op.batch_alter_table("users") as batch:COMMENT\n    batch.drop_column("{column}")',
    'for table in ["users"]:COMMENT\n    op.drop_column(table, "{column}")',
    'if True:\n    op.drop_column("users", "{column}")COMMENT\n    op.execute("SELECT 1")',
    '_drop("{column}")COMMENT',
    'op.execute("""\n    SELECT 1;\nSQL_COMMENT    ALTER TABLE users DROP COLUMN {column};\n    SELECT 2;\n""")',
    'op.execute(f"""\n    SELECT {{1}};\nSQL_COMMENT    ALTER TABLE users DROP COLUMN {column};\n""")',
    'op.execute("SELECT 1;\\nSQL_COMMENTALTER TABLE users DROP COLUMN {column}")',
)
IGNORE = "notifydb: ignore[drop-column] because nobody reads it"
HELPER = 'def _drop(column):\n    op.drop_column("users", column)\n'


def _operation(form: str, column: str, ignored: str) -> str:
    """`ignored` is `above`, `beside`, or empty for not at all."""
    text = form.format(column=column)
    newline = "\\n" if "\\nSQL_COMMENT" in text else "\n"
    text = text.replace("SQL_COMMENT", f"-- {IGNORE}{newline}" if ignored else "")
    if ignored == "above" and "COMMENT" in text:
        lines = text.split("\n")
        (number,) = [number for number, line in enumerate(lines) if "COMMENT" in line]
        blank = lines[number][: len(lines[number]) - len(lines[number].lstrip())]
        text = "\n".join([*lines[:number], f"{blank}# {IGNORE}", *lines[number:]])
    return text.replace("COMMENT", f"  # {IGNORE}" if ignored == "beside" else "")


def _lint(upgrade: str, folder: Path) -> Report:
    columns = ", ".join(f"c{number} integer" for number in range(9))
    before = f'op.execute("CREATE TABLE users ({columns})")'
    revision = Example(upgrade, before=(before,), imports=HELPER).write(folder)
    project = Project(folder, folder / "migrations")
    options = Options(mode="static", ignore=frozenset({"transactions", "reliability"}))
    return lint(read_history(project.versions), [revision], project, shadows=None, options=options)


@settings(max_examples=60, deadline=None)
@given(
    forms=st.lists(st.sampled_from(FORMS), min_size=1, max_size=5),
    ignored=st.integers(min_value=0, max_value=4),
    place=st.sampled_from(["above", "beside"]),
)
def test_an_ignore_silences_exactly_its_operation(forms: list[str], ignored: int, place: str) -> None:
    operations = [
        _operation(form, f"c{number}", place if number == ignored else "")
        for number, form in enumerate(forms)
    ]
    with tempfile.TemporaryDirectory() as folder:
        report = _lint("\n".join(operations), Path(folder))
    assert report.skipped == ()
    assert sorted(f"{each.rule} {each.sql}"[-2:] for each in report.findings) == [
        f"c{number}" for number in range(len(forms)) if number != ignored
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", ["above", "beside"])
def test_every_form_can_be_ignored(form: str, place: str, tmp_path: Path) -> None:
    assert _lint(_operation(form, "c0", place), tmp_path).findings == ()


def test_two_statements_of_one_text(tmp_path: Path) -> None:
    text = f"ALTER TABLE users DROP COLUMN c1; -- {IGNORE}\n    ALTER TABLE users DROP COLUMN c2"
    (finding,) = _lint(f'op.execute("""\n    {text}\n""")', tmp_path).findings
    assert finding.sql == "ALTER TABLE users DROP COLUMN c2"


def test_a_comment_in_a_string_of_sql_is_none(tmp_path: Path) -> None:
    body = f"""op.execute(\"\"\"COMMENT ON TABLE users IS $$\n-- {IGNORE}\n$$\"\"\")\nop.drop_column("users", "c1")"""
    assert [each.rule for each in _lint(body, tmp_path).findings] == ["drop-column"]


def test_an_expired_ignore_silences_no_more(tmp_path: Path) -> None:
    body = f'op.drop_column("users", "c1")  # {IGNORE.replace("]", "] until 2020-01-31")}'
    assert {each.rule for each in _lint(body, tmp_path).findings} == {"drop-column", "expired-ignore"}


def test_an_ignore_for_the_whole_file(tmp_path: Path) -> None:
    drops = 'op.drop_column("users", "c1")\nop.drop_column("users", "c2")'
    whole = f"# {IGNORE.replace('ignore', 'ignore-file', 1)}"
    assert {each.rule for each in _lint(f"{whole}\n{drops}", tmp_path).findings} == {
        "drop-column",
        "malformed-ignore",
    }
    (path,) = (tmp_path / "migrations/versions").glob("*example.py")
    path.write_text(f"{whole}\n{path.read_text().replace(whole, 'pass')}")
    project = Project(tmp_path, tmp_path / "migrations")
    history = read_history(project.versions)
    assert lint(history, [path.stem], project, shadows=None, options=Options(mode="static")).findings == ()


def test_an_ignore_for_a_rule_that_was_not_chosen_is_not_unused(tmp_path: Path) -> None:
    """It once said that there is no such rule."""
    revision = Example(f'op.drop_column("users", "c1")  # {IGNORE}').write(tmp_path)
    project = Project(tmp_path, tmp_path / "migrations")
    options = Options(mode="static", select=frozenset({"locking", "suppression"}))
    history = read_history(project.versions)
    assert lint(history, [revision], project, shadows=None, options=options).findings == ()


def test_a_batch_is_one_operation(tmp_path: Path) -> None:
    """All that it sends is sent at its end: an ignore beside one of its calls once silenced the others, too."""
    head, *calls = (
        'with op.batch_alter_table("users") as batch:',
        'batch.drop_column("c1")',
        'batch.drop_column("c2")',
    )
    beside = f"{head}\n    {calls[0]}  # {IGNORE}\n    {calls[1]}"
    assert sorted(each.rule for each in _lint(beside, tmp_path / "1").findings) == [
        "drop-column",
        "drop-column",
        "unused-ignore",
    ]
    above = f"# {IGNORE}\n{head}\n    {calls[0]}\n    {calls[1]}"
    assert _lint(above, tmp_path / "2").findings == ()
