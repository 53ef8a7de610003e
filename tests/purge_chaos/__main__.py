"""`make purge-chaos`: strikes purges and restores, prints the figures, and exits 1 where one was not survived."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from pathlib import Path
from typing import Final

from chaos.figures import Figures
from purge_chaos.stories import Story, undisturbed
from purge_chaos.world import World

_ROOT: Final = Path(__file__).parent.parent.parent


def main() -> int:
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 20)
    figures, began, landed = Figures(), time.monotonic(), 0
    world = World(options.folder or _ROOT / ".notifydb" / f"purge-chaos-{seed}-{os.getpid()}")
    _say(f"seed {seed}")
    try:
        world.begin()
        reference = undisturbed(world)
        gone = sum(map(len, reference.before.values())) - sum(map(len, reference.after.values()))
        _say(
            f"an undisturbed purge: {reference.purge:.1f} s, restore: {reference.restore:.1f} s, {gone} rows"
        )
        for number in range(options.first, options.first + options.stories):
            story = Story(world, number, random.Random(f"{seed} {number}"), reference, figures)
            landed += story.tell()
            _say(f"story {number}: {landed} strikes so far, {time.monotonic() - began:.0f} s")
    finally:
        world.end(kept=bool(figures.violations))
    _say(*figures.table())
    _say(f"seed {seed}, {landed} strikes, {time.monotonic() - began:.0f} s")
    if figures.violations:
        _say(f"kept: {world.folder}")
    return 1 if figures.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="what a run has printed: the same strikes again")
    parser.add_argument("--stories", type=int, default=60, help="about two strikes are in each")
    parser.add_argument("--first", type=int, default=0, help="the number of the first story")
    parser.add_argument("--folder", type=Path, help="where server and archives are; default: below .notifydb")
    return parser.parse_args()


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


sys.exit(main())
