"""What `ablate plan` says of a search and of a tuning."""

from __future__ import annotations

import shlex

from ablate.workflow import Prepared


def search_lines(prepared: Prepared) -> list[str]:
    """Objectives, axes, sampler and limits of a search, and how far it is."""
    study, plan = prepared.study, prepared.plan
    search = study.fields.search
    assert search is not None
    aims = ", ".join(f"{each.direction} {each.metric}" for each in study.objectives)
    seeds = f"{len(study.seeds)} seed{'s' if len(study.seeds) > 1 else ''}"
    lines = [f"{study.name}: search, {search.trials} trials by {search.sampler} x {seeds}: {aims}, on validation"]
    width = max(len(axis.name) for axis in study.axes)
    for axis in study.axes:
        levels = axis.range or "  ".join(level.label for level in axis.levels)
        lines.append(f"  {axis.name:<{width}}  {levels}")
    for name, limit in search.constraints.items():
        before = " (checked before training)" if name == "parameters" else ""
        lines.append(f"  {name} at most {limit.max:,g}{before}")
    if search.pruner != "none":
        lines.append(f"  pruner {search.pruner}: runs that fall behind are stopped")
    if plan.cells or plan.excluded:
        lines.append(f"  so far: {len(plan.cells)} cells drawn, {len(plan.excluded)} could not be trained")
    return lines


def search_limits(prepared: Prepared) -> list[str]:
    """What a search can and cannot tell."""
    place = shlex.quote(str(prepared.directory.path))
    return [
        "Can tell: which cells to look at. Cannot tell: by how much a level is better; cells of a search are no pairs, "
        f"and the best of them is flattered by its luck (then: ablate run {place} --confirm best --seeds 5)"
    ]


def tuning_line(prepared: Prepared) -> str:
    """Space and budget of a tuning."""
    tuning = prepared.study.fields.tuning
    assert tuning is not None
    space = ", ".join(
        f"{axis.name} {axis.range or ', '.join(level.label for level in axis.levels)}"
        for axis in prepared.study.nuisance
    )
    runs = len(prepared.plan.cells) * tuning.trials
    trials = f"{tuning.trials} trials by {tuning.sampler} for every cell"
    return f"  tuning: {trials} over {space}: {runs} runs before the seeds"
