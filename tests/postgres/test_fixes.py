"""Fixes on a real server: what is proved is written, and what the shadow shows to be otherwise is not."""

from __future__ import annotations

import pytest
from fixing import Fixing

from conftest import SmallProject, query
from notifydb.fixes.mending import Mended
from notifydb.revisions import changes

pytestmark = pytest.mark.postgres


def reasons(mended: Mended) -> list[str]:
    return [each.reason for each in mended.left]


def test_indexes_are_fixed_and_nothing_is_found_afterwards(
    small_project: SmallProject, server_url: str
) -> None:
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("nick", sa.Text))
        op.create_index("ix_users_nick", "users", ["nick"])
        op.drop_index("ix_users_email", "users")
        """,
        """
        op.create_index("ix_users_email", "users", ["email"])
        op.drop_index("ix_users_nick", "users")
        op.drop_column("users", "nick")
        """,
    )
    mended = fixing.mended(server_url)
    assert mended.left == ()
    assert mended.plan is not None
    changes.apply(mended.plan.changes)
    assert fixing.report("trace", server_url).findings == ()


def test_concurrently_in_a_transaction_is_compared_with_what_it_meant(
    small_project: SmallProject, server_url: str
) -> None:
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("nick", sa.Text))
        op.create_index("ix_users_nick", "users", ["nick"], postgresql_concurrently=True)
        """,
        """
        op.drop_index("ix_users_nick", "users")
        op.drop_column("users", "nick")
        """,
    )
    mended = fixing.mended(server_url)
    assert mended.left == ()
    assert mended.plan is not None
    assert [each.revision for each in mended.plan.added] == ["0003_change_index"]


def test_a_fix_that_makes_something_else_is_not_written(small_project: SmallProject, server_url: str) -> None:
    """The rows are inserted with the help of the index, which would come after them; the other fix stays."""
    fixing = Fixing(
        small_project,
        """
        op.create_index("uq_users_name", "users", ["name"], unique=True)
        op.execute("INSERT INTO users (id, name) VALUES (-1, 'x') ON CONFLICT (name) DO NOTHING")
        op.create_index("ix_users_logins", "users", ["logins"])
        """,
        """
        op.drop_index("ix_users_logins")
        op.drop_index("uq_users_name")
        op.execute("DELETE FROM users WHERE id = -1")
        """,
    )
    mended = fixing.mended(server_url)
    assert mended.plan is not None
    assert [each.revision for each in mended.plan.added] == ["0003_change_index"]
    (left,) = mended.left
    assert left.disproved
    assert "no unique or exclusion constraint matching the ON CONFLICT" in left.reason


def test_what_was_found_before_is_not_new_in_other_words(
    small_project: SmallProject, server_url: str
) -> None:
    """Without the index, another lock is the one under which the rows are changed."""
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("x", sa.Text))
        op.create_index("ix_users_x", "users", ["x"])
        op.add_column("organizations", sa.Column("x", sa.Text))
        op.execute("UPDATE users SET logins = 0")
        """,
        """
        op.drop_column("organizations", "x")
        op.drop_column("users", "x")
        """,
    )
    assert fixing.mended(server_url).left == ()


def test_a_way_back_that_would_be_lost_is_seen(small_project: SmallProject, server_url: str) -> None:
    """downgrade() drops the index in a way that no text shows, and it would be gone already."""
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("nick", sa.Text))
        op.create_index("ix_users_name", "users", ["name"])
        """,
        """
        op.drop_column("users", "nick")
        for name in ("name",):
            op.drop_index(f"ix_users_{name}", "users")
        """,
    )
    mended = fixing.mended(server_url)
    assert mended.plan is None
    (reason,) = reasons(mended)
    assert reason.startswith("there would be no way back any more: 0002_change failed in downgrade()")


def test_constraints_are_fixed_and_nothing_is_found_afterwards(
    small_project: SmallProject, server_url: str
) -> None:
    fixing = Fixing(
        small_project,
        """
        op.create_foreign_key(
            None, "users", "organizations", ["organization_id"], ["id"], ondelete="CASCADE"
        )
        op.create_check_constraint("ck", "users", "logins >= 0")
        op.create_unique_constraint("uq", "users", ["email"])
        op.alter_column("users", "email", nullable=False)
        """,
        """
        op.alter_column("users", "email", nullable=True)
        op.drop_constraint("uq", "users")
        op.drop_constraint("ck", "users")
        op.drop_constraint("users_organization_id_fkey", "users")
        """,
    )
    mended = fixing.mended(server_url)
    assert mended.left == ()
    assert mended.plan is not None
    assert [each.revision for each in mended.plan.added] == ["0003_change_constraint", "0004_change_validate"]
    changes.apply(mended.plan.changes)
    assert fixing.report("trace", server_url).findings == ()


def test_not_null_is_fixed_natively_on_18(small_project: SmallProject, server_url: str) -> None:
    mended = Fixing(
        small_project,
        'op.alter_column("users", "email", nullable=False)',
        'op.alter_column("users", "email", nullable=True)',
        target_version=18,
    ).mended(server_url)
    if query(server_url, "SELECT current_setting('server_version_num')::int >= 180000") == [(True,)]:
        assert mended.left == ()
    else:
        assert "syntax error" in reasons(mended)[0]


def test_what_an_index_cannot_carry_is_seen_in_the_schema(
    small_project: SmallProject, server_url: str
) -> None:
    fixing = Fixing(
        small_project, 'op.create_unique_constraint("uq", "users", ["email"], deferrable=True)', "pass"
    )
    assert reasons(fixing.mended(server_url)) == [
        "constraint public.users.uq would be changed after the upgrade"
    ]
