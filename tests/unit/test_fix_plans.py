"""Whole files before and after each fix, and what is not fixed, with its reason."""

from __future__ import annotations

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
