"""`make chaos`: disturbs runs in every scenario, prints the figures, and exits 1 where one was not survived."""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from chaos import chains, crowd, disk, pooler, strangers
from chaos.figures import Figures
from chaos.world import World

_ROOT: Final = Path(__file__).parent.parent.parent
SCENARIOS: Final[dict[str, Callable[[World], None]]] = {
    "crowd": crowd.crowded,
    "kills": chains.disturbed,
    "strangers": strangers.blocked,
    "restarts": chains.restarted,
    "disk": disk.filled,
    "pooler": pooler.pooled,
}


def main() -> int:
    options = _options()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 20)
    figures, began = Figures(), time.monotonic()
    world = World(_ROOT / ".notifydb" / f"chaos-{seed}-{os.getpid()}", seed, options.quick, figures)
    print(f"seed {seed}", flush=True)
    world.server.start()
    try:
        for name in options.scenario or SCENARIOS:
            started = time.monotonic()
            SCENARIOS[name](world)
            print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    finally:
        world.server.stop()
    print("\n".join(figures.table()))
    print(f"seed {seed}, {time.monotonic() - began:.0f} s")
    if figures.violations:
        print(
            f"kept: {world.folder}; start its server with NOTIFYDB_DATA_DIR={world.folder}/server notifydb db start"
        )
        return 1
    world.remove()
    return 1 if figures.missing and not options.allow_missing else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="*", choices=[*SCENARIOS, []], help="only these; default: all")
    parser.add_argument(
        "--seed", type=int, help="what a run has printed: the same migrations and faults again"
    )
    parser.add_argument("--quick", action="store_true", help="a minute and a half, with fewer runs")
    parser.add_argument(
        "--allow-missing", action="store_true", help="exit 0 where a scenario cannot be run here"
    )
    return parser.parse_args()


sys.exit(main())
