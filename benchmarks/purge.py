"""Purges 10,000 to 10,000,000 rows, with notifydb and with a hand-written script, in turn.

Run it with `python benchmarks/purge.py`, 10,000,000 rows with `--rows 10000000` (30 GB of disk, an hour). Figures are
whole processes, start-up included, each on a fresh copy of the same database, whose end state must be the same.
Both are the owner of the tables and no superuser.

The script (purge_script.sql) is run as it is, so that every foreign key holds at any time; with an archive of what it
deletes, through gzip; with the one key that costs most off while it runs, which nobody may write beside; with both.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from purge_data import HERE, PREFIX, Bench, State, services_for

SCRIPT = HERE / "purge_script.sql"


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """A command, made for the database's name and a folder for its archive."""

    name: str
    command: Callable[[str, Path], list[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds of wall clock, of the server's and of its own processor time, and its memory."""

    wall: float
    server: float
    client: float
    mebibytes: float
    archive: int

    @property
    def worked(self) -> float:
        return self.server + self.client


def script(*, keys_off: bool = False, archived: bool = False) -> Callable[[str, Path], list[str]]:
    """psql with the script, or with another one that is made of it."""

    def command(_: str, folder: Path) -> list[str]:
        lines = [_line(line, keys_off=keys_off) for line in SCRIPT.read_text().splitlines()]
        text = "\n".join(lines) + "\n"
        if archived:
            text = re.sub(r"^DELETE FROM (\w+) (.*);$", _copied(folder), text, flags=re.MULTILINE)
        file = folder / "script.sql"
        file.write_text(text)
        return ["psql", "-Xq", "-f", str(file)]

    return command


def _line(line: str, *, keys_off: bool) -> str:
    if line.startswith("--off "):
        return line.removeprefix("--off ") if keys_off else ""
    return "" if keys_off and line.endswith("--on") else line


def _copied(folder: Path) -> str:
    return rf"COPY (DELETE FROM \1 \2 RETURNING *) TO STDOUT \\g |gzip -1 > {folder}/\1.gz"


def notifydb(*options: str, archived: bool = True) -> Callable[[str, Path], list[str]]:
    def command(database: str, folder: Path) -> list[str]:
        archive = ["--archive", str(folder)] if archived else ["--no-archive"]
        return ["notifydb", "purge", "--prefix", PREFIX, "--confirm", database, *archive, *options]

    return command


def ways(jobs: int) -> list[Way]:
    several = f"--jobs={jobs}"
    return [
        Way("script", script()),
        Way("notifydb --no-archive", notifydb(several, archived=False)),
        Way("notifydb", notifydb(several)),
        Way("script, archived", script(archived=True)),
        Way("notifydb --jobs 1", notifydb("--jobs=1")),
        Way("script, a key off", script(keys_off=True)),
        Way("script, both", script(keys_off=True, archived=True)),
    ]


def run(bench: Bench, template: str, way: Way) -> tuple[Run, State]:
    """One run on a fresh copy, and what it left."""
    database = bench.clone(template)
    folder = Path(tempfile.mkdtemp(prefix="archive", dir=bench.project))
    command = way.command(database, folder)
    program = shutil.which(command[0], path=bench.environment(database)["PATH"])
    server = bench.cpu()
    began = time.perf_counter()
    with (folder / "output").open("w+") as output:
        process = subprocess.Popen(
            [str(program), *command[1:]],
            cwd=bench.project,
            env=bench.environment(database),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise SystemExit(f"{way.name}: exit {process.returncode}\n{output.read()}")
    archive = sum(file.stat().st_size for file in folder.rglob("*.gz"))
    shutil.rmtree(folder)
    # The server learns of a session's end a little later.
    time.sleep(0.5)
    own = used.ru_utime + used.ru_stime
    figures = Run(wall, bench.cpu() - server, own, used.ru_maxrss / 1024, archive)
    return figures, bench.state(database)


def measure(bench: Bench, rows: int, chosen: list[Way], rounds: int) -> dict[str, list[Run]]:
    """All ways in turn, so many rounds: what is noisy is so for all."""
    template = bench.fill(rows, services_for(rows))
    before = bench.state(template)
    found: dict[str, list[Run]] = {way.name: [] for way in chosen}
    expected: State | None = None
    for _ in range(rounds):
        for way in chosen:
            figures, after = run(bench, template, way)
            expected = expected or _checked(before, after, rows, way)
            if after != expected:
                different = sorted(name for name in after if after[name] != expected.get(name))
                raise SystemExit(f"{way.name} leaves something else in {', '.join(different)}")
            found[way.name].append(figures)
            print(
                f"{rows:,} rows, {way.name}: {figures.wall:.2f} s, {figures.worked:.2f} of work",
                file=sys.stderr,
            )
    return found


def _checked(before: State, after: State, rows: int, way: Way) -> State:
    gone = sum(before[name][0] - after[name][0] for name in before)
    if gone != rows:
        raise SystemExit(f"{way.name} deletes {gone:,} rows instead of {rows:,}")
    return after


def tell(rows: int, found: dict[str, list[Run]]) -> None:
    """A line for each way, processor time and archive those of the fastest run; then the ratios: the median of
    those round by round, and in brackets that of the fastest runs."""
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"\n{rows:,} rows, {len(next(iter(found.values())))} runs each, load {load}")
    heads = ("least s", "median s", "us a row", "server s", "client s", "archive MB", "peak MiB")
    print(f"{'':24}" + "".join(f"{head:>11}" for head in heads))
    for name, runs in found.items():
        best = min(runs, key=lambda each: each.wall)
        median = statistics.median(each.wall for each in runs)
        figures = [best.wall, median, best.wall / rows * 1e6, best.server, best.client, best.archive / 1e6]
        if name.startswith("notifydb"):
            # psql's would be that of this process, which it was forked from.
            figures.append(max(each.mebibytes for each in runs))
        print(f"{name:24}" + "".join(f"{figure:11.2f}" for figure in figures))
    for name, runs in found.items():
        for other, others in found.items():
            if name.startswith("notifydb") and not other.startswith("notifydb"):
                print(f"  {name} takes {_ratios(runs, others)} of {other}")
    sys.stdout.flush()


def _ratios(runs: list[Run], others: list[Run]) -> str:
    """Of wall clock and, which says more on a busy machine, of processor time."""
    wall = _ratio([each.wall for each in runs], [each.wall for each in others])
    return f"{wall} times the time, {_ratio([r.worked for r in runs], [o.worked for o in others])} times the work"


def _ratio(mine: list[float], others: list[float]) -> str:
    median = statistics.median(one / other for one, other in zip(mine, others, strict=True))
    return f"{median:.2f} ({min(mine) / min(others):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description="notifydb purge beside a hand-written script")
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=3, help="of each way; 3")
    parser.add_argument("--jobs", type=int, default=2, help="sessions of notifydb's; 2")
    parser.add_argument("--only", default="", help="ways whose name matches this expression")
    parser.add_argument("--folder", type=Path, help="where server and filled databases stay for another time")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(given.folder or Path(temporary))
        bench.start()
        chosen = [way for way in ways(given.jobs) if re.search(given.only, way.name)]
        try:
            for rows in given.rows:
                tell(rows, measure(bench, rows, chosen, given.runs))
        finally:
            bench.server.stop()


if __name__ == "__main__":
    main()
