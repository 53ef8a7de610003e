"""`python -m purge_check --url URL --profile NAME`: examines a purge on a database fresh from its migrations."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from purge_check.checks import Examination, Wrong
from purge_check.command import Command
from purge_check.profiles import PROFILES


def main() -> int:
    options = _options()
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp())
    variables = dict(given.split("=", 1) for given in options.set)
    command = Command(options.url, folder, variables, options.project)
    try:
        examination = Examination(command, PROFILES[options.profile], options.seed, options.copies)
        _tell(examination)
        _run(examination, options)
    except Wrong as wrong:
        _say(f"{wrong}\nkept: {folder}")
        return 1
    shutil.rmtree(folder)
    _say(f"nothing is wrong ({time.monotonic() - began:.0f} s)")
    return 0


def _tell(examination: Examination) -> None:
    rows = examination.rows
    labels = sorted({row.label for row in rows})
    counts = ", ".join(f"{sum(row.label == label for row in rows):,} {label}" for label in labels)
    seeds = examination.before.rows
    _say(f"{len(examination.schema.tables)} tables, {sum(map(len, examination.schema.links.values()))} links")
    _say(f"{sum(found.total() for found in seeds.values()):,} rows: {counts}, the rest seeds")


def _run(examination: Examination, options: argparse.Namespace) -> None:
    wrong: list[Wrong] = []

    def step(name: str, run: Callable[[], object]) -> None:
        began = time.monotonic()
        try:
            run()
        except Wrong as found:
            if not options.keep_going:
                raise
            _say(found)
            wrong.append(found)
        else:
            _say(f"{name}: as it has to be ({time.monotonic() - began:.1f} s)")

    step("dry run", examination.dry_run)
    if options.at_once:
        step("all who acted, at once: refused", examination.refuses_all_actors)
    for found, row in () if options.at_once else examination.actors():
        step(f"{found}: refused", partial(examination.refuses, {found: row}, rehearse=True))
    step(
        "a test user's service with a real member: refused",
        partial(examination.made_for_others, rehearse=True),
    )
    step("purge", examination.purge)
    step("second purge", examination.purge_again)
    step("restore", examination.restore)
    step("purge after the restore, of more", examination.purge_more)
    step("restore of more", examination.restore)
    if wrong:
        raise wrong[0]


def _say(text: object) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="the database; it is filled")
    parser.add_argument("--profile", required=True, choices=PROFILES, help="whose schema it has")
    parser.add_argument("--project", type=Path, help="the folder with its migrations, for the command")
    parser.add_argument("--at-once", action="store_true", help="try all who acted in one refusal")
    parser.add_argument("--seed", type=int, default=1, help="decides what is random")
    parser.add_argument(
        "--copies",
        type=int,
        default=0,
        help="of each row that nothing refers to; who acted is not tried then",
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="VARIABLE=VALUE", help="for the command"
    )
    parser.add_argument(
        "--keep-going", action="store_true", help="tell all that is wrong, not only the first"
    )
    return parser.parse_args()


sys.exit(main())
