"""Twenty runs begin at once, as when all instances of an application start."""

from __future__ import annotations

from chaos import truth
from chaos.world import World


def crowded(world: World) -> None:
    """Each ends with 0, and each migration has been applied once."""
    scenario = world.scenario("crowd")
    project = scenario.generated("crowd", world.seed, 20 if world.is_quick else 60)
    expected = scenario.undisturbed(project, "crowd_undisturbed")
    url = scenario.database("crowd")
    # Whoever comes last waits for all the work, and for twenty starts on few cores.
    runs = [world.upgrade(project, url, "--lock-wait", "180") for _ in range(20)]
    codes = [run.wait() for run in runs]
    for run, code in zip(runs, codes, strict=True):
        world.figures.heard(run)
        if code != 0:
            scenario.violated(f"one of twenty exits with {code}", url, run)
    applied = [each["revision"] for run in runs for each in run.named("applied")]
    if sorted(applied) != list(project.revisions):
        scenario.violated(f"applied were {applied}", url)
    world.figures.count("crowd", "runs at once, each exit 0", codes.count(0))
    is_fine = scenario.holds_true(project, url) and scenario.is_same(expected, url, runs[0])
    if is_fine and truth.stamped_at(url) == project.head:
        scenario.drop("crowd")
