"""The documented locks, and the table of conflicts (Postgres docs section 13.3.1)."""

from __future__ import annotations

import pytest

from notifydb.sql.locks import LockMode, locks_of
from notifydb.sql.parse import parse

#: Table 13.2 of the docs: one line for each mode, one column for each mode, x where they conflict.
TABLE_13_2 = """
.......x
......xx
....xxxx
...xxxxx
..xx.xxx
..xxxxxx
.xxxxxxx
xxxxxxxx
"""


def test_conflicts_are_those_of_the_manual() -> None:
    rows = ["".join("x" if mode.conflicts_with(other) else "." for other in LockMode) for mode in LockMode]
    assert rows == TABLE_13_2.split()


def test_names_go_back_and_forth() -> None:
    for mode in LockMode:
        assert LockMode.from_catalog(f"{mode.catalog_name}Lock") is mode
        assert mode.waits


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE INDEX ON t (a)", {"t": LockMode.SHARE}),
        ("CREATE INDEX CONCURRENTLY ON t (a)", {"t": LockMode.SHARE_UPDATE_EXCLUSIVE}),
        ("ALTER TABLE t ADD a int", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("ALTER TABLE t ALTER a SET STATISTICS 5", {"t": LockMode.SHARE_UPDATE_EXCLUSIVE}),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", {"t": LockMode.SHARE_UPDATE_EXCLUSIVE}),
        (
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u",
            {"t": LockMode.SHARE_ROW_EXCLUSIVE, "u": LockMode.SHARE_ROW_EXCLUSIVE},
        ),
        (
            "ALTER TABLE t ADD a int REFERENCES u",
            {"t": LockMode.ACCESS_EXCLUSIVE, "u": LockMode.SHARE_ROW_EXCLUSIVE},
        ),
        (
            "ALTER TABLE t ATTACH PARTITION u DEFAULT",
            {"t": LockMode.SHARE_UPDATE_EXCLUSIVE, "u": LockMode.ACCESS_EXCLUSIVE},
        ),
        ("CREATE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()", {"t": LockMode.SHARE_ROW_EXCLUSIVE}),
        ("CREATE POLICY p ON t", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("ALTER POLICY p ON t USING (true)", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("DROP POLICY p ON t", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("CREATE RULE r AS ON INSERT TO t DO ALSO NOTHING", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("DROP TRIGGER x ON t", {"t": LockMode.ACCESS_EXCLUSIVE}),
        ("UPDATE t SET a = 1", {"t": LockMode.ROW_EXCLUSIVE}),
        ("LOCK TABLE t IN EXCLUSIVE MODE", {"t": LockMode.EXCLUSIVE}),
        ("SELECT 1", {}),
    ],
)
def test_documented_locks(sql: str, expected: dict[str, LockMode]) -> None:
    (statement,) = parse(sql)
    locks = [lock for fact in statement.facts for lock in locks_of(fact)]
    assert {lock.relation.name: lock.mode for lock in locks} == expected
