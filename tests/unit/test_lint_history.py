"""Rules of history in cases that are too many for their examples, judged without a database."""

from __future__ import annotations

from pathlib import Path

import pytest
from rules.judging import judge

from notifydb.lint.example import Example


def _found(rule: str, example: Example, root: Path) -> int:
    return sum(each.rule == rule for each in judge(example, root, "static", also=rule).findings)


@pytest.mark.parametrize(
    ("imports", "expression", "differs"),
    [
        ("import uuid", "uuid.uuid4()", True),
        ("import uuid as ids", "ids.uuid4()", True),
        ("from uuid import uuid4 as new", "new()", True),
        ("import random", "random.choice([1, 2])", True),
        ("import secrets", "secrets.token_hex()", True),
        ("import uuid", "uuid.UUID(int=1)", False),
        ("import uuid", "uuid.uuid4", False),
        ("import datetime", "datetime.datetime.now()", False),
        ("def uuid4(): return 1", "uuid4()", False),
    ],
)
def test_python_that_gives_another_value_each_time(
    imports: str, expression: str, *, differs: bool, tmp_path: Path
) -> None:
    example = Example(f"op.execute(f\"SELECT '{{{expression}}}'\")", imports=imports)
    assert _found("differs-each-run", example, tmp_path) == differs


def test_what_only_the_downgrade_makes_up_is_no_matter(tmp_path: Path) -> None:
    example = Example("pass", downgrade="print(uuid.uuid4())", imports="import uuid")
    assert _found("differs-each-run", example, tmp_path) == 0


@pytest.mark.parametrize(
    ("imports", "found"),
    [
        ("import requests", 1),
        ("from boto3.session import Session", 1),
        ("import http.client", 1),
        ("import http", 0),
        ("from urllib.parse import quote", 0),
        ("import psycopg2.errors", 0),
    ],
)
def test_modules_that_reach_outside(imports: str, found: int, tmp_path: Path) -> None:
    # In a branch that is not taken: not all of them are installed.
    example = Example(f"if not op:\n    {imports}")
    assert _found("reaches-outside", example, tmp_path) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import shop.models", 1),
        ("from shop import models as m", 1),
        ('importlib.import_module("shop.models")', 1),
        ('__import__("shop")', 1),
        ("from sqlalchemy import orm", 0),
        ('importlib.import_module("sqlalchemy.orm")', 0),
    ],
)
def test_application_code_is_found_wherever_it_is_imported(code: str, found: int, tmp_path: Path) -> None:
    example = Example(
        f"if not op:\n    {code}", imports="import importlib", application={"shop/__init__.py": ""}
    )
    assert _found("imports-application-code", example, tmp_path) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('os.environ["A"]', 1),
        ('os.getenv("A")', 1),
        ('current_app.config["A"]', 1),
        ('os.path.join("a")', 0),
        ('op.get_context().config["A"]', 0),
    ],
)
def test_what_the_environment_says(code: str, found: int, tmp_path: Path) -> None:
    example = Example(f"if not op:\n    {code}", imports="import os")
    assert _found("reads-environment", example, tmp_path) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def upgrade():\n    pass", 0),
        ("upgrade = lambda: None", 0),
        ("from functools import partial as upgrade", 0),
        ("def upgrad():\n    pass", 1),
    ],
)
def test_an_upgrade_may_come_from_anywhere(source: str, found: int, tmp_path: Path) -> None:
    head = 'revision = "0002_example"\ndown_revision = "0001_before"\n'
    example = Example("pass", files={"0002_example.py": f"{head}{source}\n"})
    assert _found("missing-upgrade", example, tmp_path) == found


def test_an_id_of_just_32_characters_fits(tmp_path: Path) -> None:
    fits, too_long = "0002_" + "a" * 27, "0002_" + "a" * 28
    assert _found("id-too-long", Example("pass", revision=fits), tmp_path / "32") == 0
    assert _found("id-too-long", Example("pass", revision=too_long), tmp_path / "33") == 1


@pytest.mark.parametrize(
    ("revision", "found"),
    [("2_x", 0), ("000002_x", 0), ("0001_x", 1), ("0000_x", 1), ("0003_x", 1), ("0002x", 0), ("x", 0)],
)
def test_numbers_count_whatever_their_width(revision: str, found: int, tmp_path: Path) -> None:
    assert _found("number-gap", Example("pass", revision=revision), tmp_path) == found


def test_two_files_of_one_number_are_two_heads_or_a_wrong_number(tmp_path: Path) -> None:
    other = 'revision = "0002_other"\ndown_revision = "{}"\n\n\ndef upgrade():\n    pass\n'
    beside = Example("pass", files={"0002_other.py": other.format("0001_before")})
    assert _found("several-heads", beside, tmp_path / "beside") == 1
    below = Example("pass", files={"0002_other.py": other.format("0002_example")})
    assert _found("several-heads", below, tmp_path / "below") == 0
