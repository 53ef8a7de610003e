"""What a downgrade leaves different, object by object, and which failures are refusals."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.lint.undo import differences
from notifydb.migrator.frames import is_refusal, line_in

_TABLE = {
    ("table", "public.a"): "r p",
    ("column", "public.a.id"): "integer",
    ("constraint", "public.a.a_pkey"): "PRIMARY KEY (id)",
    ("index", "public.a_pkey"): "CREATE UNIQUE INDEX a_pkey ON public.a USING btree (id)",
    ("index", "public.ix"): "CREATE INDEX ix ON public.a USING btree (id)",
    ("sequence", "public.a_id_seq"): "integer",
}


def test_a_table_is_told_without_its_parts() -> None:
    assert list(differences({}, _TABLE)) == ["table a is left behind"]
    assert list(differences(_TABLE, {})) == ["table a does not come back"]


def test_parts_of_a_table_that_stays_are_told() -> None:
    after = {key: value for key, value in _TABLE.items() if key[1] != "public.ix"}
    after["column", "public.a.id"] = "bigint"
    after["column", "public.ab.id"] = "bigint"
    assert list(differences(_TABLE, after)) == [
        "column a.id is another than before",
        "column ab.id is left behind",
        "index ix does not come back",
    ]


def test_a_constraint_is_told_without_its_index() -> None:
    after = {key: value for key, value in _TABLE.items() if "a_pkey" not in key[1]}
    assert list(differences(_TABLE, after)) == ["constraint a.a_pkey does not come back"]


@pytest.mark.parametrize(
    ("body", "refuses"),
    [
        ("raise NotImplementedError", True),
        ("raise ValueError('nobody kept the rows')", True),
        ("refuse()", True),
        ("None.drop", False),
        ("int('x')", False),
        ("open('/does/not/exist')", False),
    ],
)
def test_a_raise_of_its_own_is_a_refusal(body: str, *, refuses: bool, tmp_path: Path) -> None:
    path = tmp_path / "migration.py"
    path.write_text(f"def refuse():\n    raise RuntimeError('no way back')\n\ndef downgrade():\n    {body}\n")
    names: dict[str, object] = {}
    exec(compile(path.read_text(), str(path), "exec"), names)
    with pytest.raises(Exception) as caught:  # noqa: PT011
        names["downgrade"]()  # type: ignore[operator]
    assert is_refusal(caught.value) is refuses
    assert line_in(path, caught.value) == (2 if body == "refuse()" else 5)
    assert line_in(tmp_path / "other.py", caught.value) is None
