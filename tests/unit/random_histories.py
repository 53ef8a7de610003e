"""Random histories in mixed styles, for what has to hold of every one of them."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

from hypothesis import strategies as st

from unit.migration_sources import Ids, Style, render, styles


@dataclasses.dataclass(frozen=True)
class Planted:
    """A random history: what each revision is, how it is written, and which are kept."""

    ids: dict[str, Ids]
    names: dict[str, str]
    styles: dict[str, Style]
    kept: list[str]

    def write(self, versions: Path) -> None:
        for own, ids in self.ids.items():
            path = versions / f"{self.names[own]}.py"
            path.write_bytes(render(self.styles[own], ids, message=f"Say {own}"))


@st.composite
def histories(draw: st.DrawFn) -> Planted:
    """1-60 revisions: a kept line, and branches off anything, under numbers that clash and mislead."""
    count = draw(st.integers(1, 60))
    kept_count = draw(st.integers(1, count))
    few = [dataclasses.replace(draw(styles()), concatenated=False) for _ in range(3)]
    ids: dict[str, Ids] = {}
    names: dict[str, str] = {}
    for index in range(count):
        number = draw(st.integers(1, 40))
        own = draw(st.sampled_from([f"{number:04d}_w{index}", f"{number}_w{index}", f"ab12cd{index:06d}"]))
        known = list(ids)
        down = () if not known else (known[-1] if index < kept_count else draw(st.sampled_from(known)),)
        depends_on = down if draw(st.booleans()) else ()
        ids[own] = Ids(own, down, depends_on)
        names[own] = draw(st.sampled_from([own, own, f"file_{index}"]))
    chosen = {own: draw(st.sampled_from(few)) for own in ids}
    return Planted(ids, names, chosen, list(ids)[:kept_count])


def ancestors(planted: Planted, own: str) -> list[str]:
    found = []
    while planted.ids[own].down:
        (own,) = planted.ids[own].down
        found.append(own)
    return found


@dataclasses.dataclass(frozen=True)
class Branched:
    """A kept line of a random history, and the branches off it, each in its own order."""

    planted: Planted
    branches: list[list[str]]

    @property
    def heads(self) -> list[str]:
        return [branch[-1] for branch in self.branches]


@st.composite
def branched(draw: st.DrawFn, most: int = 400) -> Branched:
    """1 to `most` revisions: a line that stays and two or three branches off it, under any numbers."""
    few = [dataclasses.replace(draw(styles()), concatenated=False) for _ in range(4)]
    count = draw(st.integers(1, most))
    dice = random.Random(draw(st.integers(0, 2**32)))
    kept: list[str] = []
    branches: list[list[str]] = [[] for _ in range(min(draw(st.integers(1, 2)), max(count - 2, 0)))]
    ids: dict[str, Ids] = {}
    names: dict[str, str] = {}
    for index in range(count):
        number = dice.randint(1, 500)
        own = dice.choice([f"{number:04d}_w{index}", f"{number}_w{index}", f"ab12cd{index:06d}"])
        # Two stay, so that a branch can leave below the top, and each branch has one at least.
        dealt = [kept, kept, *branches]
        chain = dealt[index] if index < len(dealt) else dice.choice(dealt)
        below = chain[-1:] or ([dice.choice(kept[:1])] if kept else [])
        ids[own] = Ids(own, tuple(below), tuple(below) if dice.random() < 0.3 else ())
        names[own] = dice.choice([own, own, f"file_{index}"])
        chain.append(own)
    forked = {branch[0]: dice.choice(kept[:-1]) for branch in branches}
    for own, fork in forked.items():
        ids[own] = Ids(own, (fork,), (fork,) if ids[own].depends_on else ())
    return Branched(Planted(ids, names, {own: dice.choice(few) for own in ids}, kept), branches)
