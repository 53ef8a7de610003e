"""Whole files before and after each fix, and what is not fixed, with its reason."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fixing import Fixing
from inline_snapshot import snapshot

from conftest import SmallProject
from notifydb.fixes.source import NotFixable


def test_an_index_that_stands_alone_is_built_where_it_is(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        # Searched by everybody.
        op.create_index(
            op.f("ix_users_name"),   # odd
            "users", ["name"]
        )  # 3 GB
        """,
        'op.drop_index("ix_users_name")  # gone',
    )
    assert str(fixing.planned().changes) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -13,11 +13,15 @@
 \n\
 def upgrade():
     # Searched by everybody.
-    op.create_index(
-        op.f("ix_users_name"),   # odd
-        "users", ["name"]
-    )  # 3 GB
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
+        op.create_index(
+            op.f("ix_users_name"),   # odd
+            "users", ["name"],
+            postgresql_concurrently=True
+        )  # 3 GB
 \n\
 \n\
 def downgrade():
-    op.drop_index("ix_users_name")  # gone
+    with op.get_context().autocommit_block():
+        op.drop_index("ix_users_name", postgresql_concurrently=True, if_exists=True)  # gone
""")


def test_what_would_cut_a_transaction_moves_to_the_top(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("nick", sa.Text))

        # for the search
        op.create_index("ix_users_nick", "users", [sa.text("lower(nick)")])
        op.execute("CREATE INDEX ix_users_name ON users (name)")
        op.drop_index("ix_users_email", "users")
        """,
        """
        op.create_index("ix_users_email", "users", ["email"])
        op.execute("DROP INDEX ix_users_name")
        op.drop_column("users", "nick")  # and its index
        """,
    )
    assert str(fixing.planned().changes) == snapshot('''\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -14,13 +14,6 @@
 def upgrade():
     op.add_column("users", sa.Column("nick", sa.Text))
 \n\
-    # for the search
-    op.create_index("ix_users_nick", "users", [sa.text("lower(nick)")])
-    op.execute("CREATE INDEX ix_users_name ON users (name)")
-    op.drop_index("ix_users_email", "users")
-
 \n\
 def downgrade():
-    op.create_index("ix_users_email", "users", ["email"])
-    op.execute("DROP INDEX ix_users_name")
     op.drop_column("users", "nick")  # and its index
diff --git a/versions/0003_change_index.py b/versions/0003_change_index.py
new file mode 100644
--- /dev/null
+++ b/versions/0003_change_index.py
@@ -0,0 +1,24 @@
+"""0002_change (index)"""
+
+from alembic import op
+import sqlalchemy as sa
+
+revision = '0003_change_index'
+down_revision = '0002_change'
+
+
+def upgrade():
+    # for the search
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_nick")
+        op.create_index(
+            "ix_users_nick",
+            "users",
+            [sa.text("lower(nick)")],
+            postgresql_concurrently=True,
+        )
+
+
+def downgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_nick")
diff --git a/versions/0004_change_index.py b/versions/0004_change_index.py
new file mode 100644
--- /dev/null
+++ b/versions/0004_change_index.py
@@ -0,0 +1,18 @@
+"""0002_change (index)"""
+
+from alembic import op
+
+
+revision = '0004_change_index'
+down_revision = '0003_change_index'
+
+
+def upgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
+        op.execute("CREATE INDEX CONCURRENTLY ix_users_name ON users (name)")
+
+
+def downgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
diff --git a/versions/0005_change_drop.py b/versions/0005_change_drop.py
new file mode 100644
--- /dev/null
+++ b/versions/0005_change_drop.py
@@ -0,0 +1,28 @@
+"""0002_change (drop)"""
+
+from alembic import op
+
+
+revision = '0005_change_drop'
+down_revision = '0004_change_index'
+
+
+def upgrade():
+    with op.get_context().autocommit_block():
+        op.drop_index(
+            "ix_users_email",
+            "users",
+            postgresql_concurrently=True,
+            if_exists=True,
+        )
+
+
+def downgrade():
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_email")
+        op.create_index(
+            "ix_users_email",
+            "users",
+            ["email"],
+            postgresql_concurrently=True,
+        )
''')


def test_reindex(small_project: SmallProject) -> None:
    fixing = Fixing(small_project, 'op.execute("reindex table users")', "return  # nothing")
    assert str(fixing.planned().changes) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -12,7 +12,8 @@
 \n\
 \n\
 def upgrade():
-    op.execute("reindex table users")
+    with op.get_context().autocommit_block():
+        op.execute("reindex table concurrently users")
 \n\
 \n\
 def downgrade():
""")


def test_concurrently_in_a_transaction(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        'op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)',
        'op.drop_index("ix_users_name", "users", postgresql_concurrently=True)',
    )
    planned = fixing.planned()
    assert str(planned.changes) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -12,8 +12,16 @@
 \n\
 \n\
 def upgrade():
-    op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
+        op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
 \n\
 \n\
 def downgrade():
-    op.drop_index("ix_users_name", "users", postgresql_concurrently=True)
+    with op.get_context().autocommit_block():
+        op.drop_index(
+            "ix_users_name",
+            "users",
+            postgresql_concurrently=True,
+            if_exists=True,
+        )
""")
    assert str(planned.reference) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -12,7 +12,7 @@
 \n\
 \n\
 def upgrade():
-    op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
+    op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=False)
 \n\
 \n\
 def downgrade():
""")


def test_constraints_are_validated_in_the_next_migration(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        # every user has one
        op.create_foreign_key(
            "fk_users_organization", "users", "organizations",
            ["organization_id"], ["id"],  # all of them
        )
        op.execute(
            "ALTER TABLE users "  # the old ones, too
            "ADD CONSTRAINT ck_users_logins CHECK (logins >= 0);"
        )
        """,
        """
        op.drop_constraint("ck_users_logins", "users")
        op.drop_constraint("fk_users_organization", "users")
        """,
    )
    assert str(fixing.planned().changes) == snapshot('''\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -16,10 +16,11 @@
     op.create_foreign_key(
         "fk_users_organization", "users", "organizations",
         ["organization_id"], ["id"],  # all of them
+        postgresql_not_valid=True,
     )
     op.execute(
         "ALTER TABLE users "  # the old ones, too
-        "ADD CONSTRAINT ck_users_logins CHECK (logins >= 0);"
+        "ADD CONSTRAINT ck_users_logins CHECK (logins >= 0) NOT VALID;"
     )
 \n\
 \n\
diff --git a/versions/0003_change_validate.py b/versions/0003_change_validate.py
new file mode 100644
--- /dev/null
+++ b/versions/0003_change_validate.py
@@ -0,0 +1,26 @@
+"""0002_change (validate)"""
+
+from alembic import op
+
+
+revision = '0003_change_validate'
+down_revision = '0002_change'
+
+
+def upgrade():
+    op.execute("ALTER TABLE users VALIDATE CONSTRAINT fk_users_organization")
+    op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_logins")
+
+
+def downgrade():
+    op.execute("ALTER TABLE users DROP CONSTRAINT ck_users_logins")
+    op.execute(
+        "ALTER TABLE users "  # the old ones, too
+        "ADD CONSTRAINT ck_users_logins CHECK (logins >= 0) NOT VALID;"
+    )
+    op.execute("ALTER TABLE users DROP CONSTRAINT fk_users_organization")
+    op.create_foreign_key(
+        "fk_users_organization", "users", "organizations",
+        ["organization_id"], ["id"],  # all of them
+        postgresql_not_valid=True,
+    )
''')


NOT_NULL = (
    """
    op.execute("UPDATE users SET email = 'none' WHERE id = 1 AND email IS NULL")
    # nobody is without
    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)
    """,
    'op.alter_column("users", "email", existing_type=sa.Text(), nullable=True)',
)


def test_not_null_is_proved_by_a_check(small_project: SmallProject) -> None:
    assert str(Fixing(small_project, *NOT_NULL).planned().changes) == snapshot('''\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -13,9 +13,11 @@
 \n\
 def upgrade():
     op.execute("UPDATE users SET email = 'none' WHERE id = 1 AND email IS NULL")
-    # nobody is without
-    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)
+    op.execute(
+        "ALTER TABLE users ADD CONSTRAINT users_email_present"
+        " CHECK (email IS NOT NULL) NOT VALID"
+    )
 \n\
 \n\
 def downgrade():
-    op.alter_column("users", "email", existing_type=sa.Text(), nullable=True)
+    op.execute("ALTER TABLE users DROP CONSTRAINT users_email_present")
diff --git a/versions/0003_change_validate.py b/versions/0003_change_validate.py
new file mode 100644
--- /dev/null
+++ b/versions/0003_change_validate.py
@@ -0,0 +1,22 @@
+"""0002_change (validate)"""
+
+from alembic import op
+import sqlalchemy as sa
+
+revision = '0003_change_validate'
+down_revision = '0002_change'
+
+
+def upgrade():
+    op.execute("ALTER TABLE users VALIDATE CONSTRAINT users_email_present")
+    # nobody is without
+    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)
+    op.execute("ALTER TABLE users DROP CONSTRAINT users_email_present")
+
+
+def downgrade():
+    op.alter_column("users", "email", existing_type=sa.Text(), nullable=True)
+    op.execute(
+        "ALTER TABLE users ADD CONSTRAINT users_email_present"
+        " CHECK (email IS NOT NULL) NOT VALID"
+    )
''')


def test_not_null_on_18_needs_no_check(small_project: SmallProject) -> None:
    assert str(Fixing(small_project, *NOT_NULL, target_version=18).planned().changes) == snapshot('''\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -14,7 +14,10 @@
 def upgrade():
     op.execute("UPDATE users SET email = 'none' WHERE id = 1 AND email IS NULL")
     # nobody is without
-    op.alter_column("users", "email", existing_type=sa.Text(), nullable=False)
+    op.execute(
+        "ALTER TABLE users ADD CONSTRAINT users_email_not_null"
+        " NOT NULL email NOT VALID"
+    )
 \n\
 \n\
 def downgrade():
diff --git a/versions/0003_change_validate.py b/versions/0003_change_validate.py
new file mode 100644
--- /dev/null
+++ b/versions/0003_change_validate.py
@@ -0,0 +1,19 @@
+"""0002_change (validate)"""
+
+from alembic import op
+
+
+revision = '0003_change_validate'
+down_revision = '0002_change'
+
+
+def upgrade():
+    op.execute("ALTER TABLE users VALIDATE CONSTRAINT users_email_not_null")
+
+
+def downgrade():
+    op.execute("ALTER TABLE users DROP CONSTRAINT users_email_not_null")
+    op.execute(
+        "ALTER TABLE users ADD CONSTRAINT users_email_not_null"
+        " NOT NULL email NOT VALID"
+    )
''')


def test_a_unique_constraint_is_made_of_an_index(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        # logins by mail
        op.create_unique_constraint(
            "uq_users_email", "users",
            ["email"],  # lower case
        )  # slow
        """,
        'op.drop_constraint("uq_users_email", "users", type_="unique")',
    )
    assert str(fixing.planned().changes) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -13,10 +13,15 @@
 \n\
 def upgrade():
     # logins by mail
-    op.create_unique_constraint(
-        "uq_users_email", "users",
-        ["email"],  # lower case
-    )  # slow
+    # lower case
+    # slow
+    with op.get_context().autocommit_block():
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_users_email")
+        op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_users_email ON users (email)")
+    op.execute(
+        "ALTER TABLE users ADD CONSTRAINT uq_users_email UNIQUE"
+        " USING INDEX uq_users_email"
+    )
 \n\
 \n\
 def downgrade():
""")


def test_what_stands_in_an_autocommit_block_stays_there(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        op.add_column("users", sa.Column("nick", sa.Text))
        # outside
        with op.get_context().autocommit_block():
            op.execute("SELECT 1")  # first

            # for the search
            op.create_index("ix_users_nick", "users", ["nick"])
            op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_users_name ON users (name)")
        """,
        """
        op.drop_index("ix_users_name")
        op.drop_column("users", "nick")
        """,
    )
    assert str(fixing.planned().changes) == snapshot("""\
diff --git a/versions/0002_change.py b/versions/0002_change.py
--- a/versions/0002_change.py
+++ b/versions/0002_change.py
@@ -18,7 +18,14 @@
         op.execute("SELECT 1")  # first
 \n\
         # for the search
-        op.create_index("ix_users_nick", "users", ["nick"])
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_nick")
+        op.create_index(
+            "ix_users_nick",
+            "users",
+            ["nick"],
+            postgresql_concurrently=True,
+        )
+        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
         op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_users_name ON users (name)")
 \n\
 \n\
""")


def test_two_findings_may_ask_for_one_form(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        'op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_users_name ON users (name)")',
        'op.drop_index("ix_users_name")',
    )
    assert len(fixing.planned().mends) == 2


REFUSED = {
    "loop": 'for each in ["name"]:\n    op.create_index(f"ix_users_{each}", "users", [each])',
    "f-string": "op.execute(f\"CREATE INDEX ix_users_name ON {'users'} (name)\")",
    "variable": 'sql = "CREATE INDEX ix_users_name ON users (name)"\nop.execute(sql)',
    "condition": 'if True:\n    op.create_index("ix_users_name", "users", ["name"])',
    "batch": 'with op.batch_alter_table("users") as batch:\n    batch.create_index("ix_users_name", ["name"])',
    "helper": "def make():\n    op.create_index('ix_users_name', 'users', ['name'])\n\nmake()",
    "method": 'op.get_context().impl.execute(sa.text("CREATE INDEX a ON users (name)"))',
    "two statements": 'op.execute("CREATE INDEX a ON users (name); SELECT 1")',
    "no name": 'op.execute("CREATE INDEX ON users (name)")',
    "with the column": 'op.add_column("users", sa.Column("nick", sa.Text, index=True))',
    "own name": 'op.execute("SELECT 1")\ncolumn = "name"\nop.create_index("ix_users_name", "users", [column])',
    "exclude": "op.execute('ALTER TABLE users ADD CONSTRAINT one EXCLUDE USING btree (name WITH =)')",
    "several changes": 'op.alter_column("users", "email", nullable=False, server_default="x")',
    "nameless constraint": 'op.execute("ALTER TABLE users ADD CHECK (logins >= 0)")',
    "not made again": 'op.drop_index("ix_users_email", "users")',
}


def test_what_is_not_fixed_and_why(small_project: SmallProject) -> None:
    reasons = {}
    for name, upgrade in REFUSED.items():
        with pytest.raises(NotFixable) as refused:
            Fixing(small_project, upgrade).planned()
        reasons[name] = str(refused.value)
    assert reasons == snapshot(
        {
            "loop": "it stands in a loop",
            "f-string": "its SQL is no plain literal",
            "variable": "its SQL is no plain literal",
            "condition": "it is done on a condition",
            "batch": "it stands in a batch_alter_table block",
            "helper": "it is done by a function that upgrade() calls",
            "method": "it is no statement op.NAME(...)",
            "two statements": "several statements stand in one literal",
            "no name": "the index has no name, so what a failed build leaves could not be cleared away",
            "with the column": "op.add_column does it along with something else",
            "own name": "it uses column, which is made in this file",
            "exclude": "Postgres can make no exclude constraint of an index",
            "several changes": "op.alter_column changes more than that: give NOT NULL a call of its own",
            "nameless constraint": "the constraint has no name by which it could be validated: give it one",
            "not made again": "downgrade() does not plainly make the index again",
        }
    )


def test_imports_move_along(small_project: SmallProject) -> None:
    fixing = Fixing(
        small_project,
        """
        op.execute("SELECT 1")
        op.create_index("ix_users_name", "users", [sa.text("lower(name)")])
        """,
        'op.drop_index("ix_users_name")',
    )
    assert b"import sqlalchemy as sa" in fixing.planned().added[0].content


def test_lint_loads_libcst_only_to_fix() -> None:
    script = "import sys, notifydb.cli.lint_fix, notifydb.lint.engine; sys.exit('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
