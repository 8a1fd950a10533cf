"""What a design can tell before anything runs: detectable differences, equivalence, seeds for a wanted precision."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.config import Study
from ablate.design import Plan
from ablate.errors import RequestError
from reports.matching import pairs

if TYPE_CHECKING:
    from reports.results import StudyResults
    from reports.statistics.sequential import Stage


@dataclass(frozen=True)
class Spread:
    """A standard deviation of paired differences, in accuracy, that is assumed to hold, and where it comes from."""

    sd: float
    origin: str


def expected(study: Study) -> Spread | None:
    """The spread that the study file expects; None where it says nothing, or of another metric than accuracy."""
    sd = study.objective.expected_sd
    if sd is None or not study.objective.metric.endswith("accuracy"):
        return None
    return Spread(sd, "objective.expected_sd")


def of_pilot(results: StudyResults, name: str) -> Spread:
    """The spread that a pilot study found, pooled over its contrasts.

    Raises:
        RequestError: if it found none.
    """
    from reports.effects import effects
    from reports.statistics.power import pooled_sd

    rows = effects(results)
    rows = rows[rows["sd_difference"].astype(float) > 0]
    if rows.empty:
        raise RequestError(f"--pilot {name}: no contrast has two seed blocks whose differences differ; nothing to pool")
    sd, low, high = pooled_sd(rows["sd_difference"].to_numpy(float), rows["seeds"].to_numpy(int))
    blocks, data = int(rows["seeds"].max()), results.study["data"].get("name", "unnamed data")
    over = f"{len(rows)} contrast{'s' if len(rows) > 1 else ''}, {blocks} blocks"
    interval = f"95 % CI {low * 100:.2g} to {high * 100:.2g}"
    return Spread(sd, f"pilot {results.study['name']} on {data}: {over}, {interval}")


def margin_of(study: Study) -> float | None:
    """The margin of the verdicts, which are on accuracy; None where the objective is another metric."""
    return study.objective.margin if study.objective.metric.endswith("accuracy") else None


def families(study: Study, plan: Plan) -> dict[str, int]:
    """Axis -> number of contrasts that have matched cells, for the axes that have any."""
    cells = [{"cell_id": cell.cell_id, "levels": cell.levels} for cell in plan.cells]
    found = {
        axis.name: sum(
            bool(pairs(cells, axis.name, level.label, axis.reference))
            for level in axis.levels
            if level.label != axis.reference
        )
        for axis in study.axes
    }
    return {axis: size for axis, size in found.items() if size}


def lines(study: Study, plan: Plan, spread: Spread | None) -> list[str]:
    """Detectable differences of every family, seeds for an interval of the margin, and what equivalence needs."""
    blocks = len(study.seeds)
    if blocks < 2:
        return ["Cannot tell: anything; one seed block leaves nothing to compare with chance (seeds=5 is a start)"]
    sizes = families(study, plan)
    if not sizes:
        return ["Cannot tell: anything; no axis has a level besides the baseline's that could be compared with it"]
    alike = {
        size: [axis for axis in sizes if sizes[axis] == size] for size in sorted(set(sizes.values()), reverse=True)
    }
    stage = _stage(study)
    found = [_detectable(axes, size, blocks, spread, stage) for size, axes in alike.items()]
    if stage is not None:
        found.append(_look(stage))
    if spread is not None:
        found.insert(0, f"Assumed: an SD of the differences of {spread.sd * 100:.3g} points ({spread.origin})")
    margin = margin_of(study)
    if margin is None:
        return found
    if spread is not None:
        found.append(_precision(alike, margin, spread))
    return [*found, _equivalence(max(alike), blocks, margin, spread, stage)]


def _stage(study: Study) -> Stage | None:
    """The declared look that the study's seeds are for."""
    from reports.statistics.sequential import Stage

    looks = study.fields.looks
    return Stage(tuple(looks.at), looks.at.index(len(study.seeds)), looks.boundary) if looks else None


def _look(stage: Stage) -> str:
    at = ", ".join(map(str, stage.at))
    return (
        f"Look {stage.look + 1} of {len(stage.at)} declared ones ({at} blocks): a nominal p of "
        f"{stage.alpha(0.05):.2g} counts as 0.05; reports of unfinished runs in between make all verdicts exploratory"
    )


def _detectable(axes: list[str], size: int, blocks: int, spread: Spread | None, stage: Stage | None) -> str:
    from reports.statistics.power import detectable_effect  # scipy, which status does without

    effect = detectable_effect(blocks, size, stage=stage)
    each = f"{size} in {'its' if len(axes) == 1 else 'each'} family"
    if math.isinf(effect):
        return f"Cannot tell: at {blocks} blocks this look detects no difference of {_or(axes)} ({each}), however large"
    size_in_points = f", {effect * spread.sd * 100:.2g} points" if spread else ""
    return (
        f"Can tell: at {blocks} blocks a contrast of {_or(axes)} ({each}) is detected at 80 % power from {effect:.1f} "
        f"SD of the differences{size_in_points}"
    )


def _precision(alike: Mapping[int, list[str]], margin: float, spread: Spread) -> str:
    from reports.statistics.power import blocks_for_half_width

    needed = [(axes, blocks_for_half_width(spread.sd, margin, size)) for size, axes in alike.items()]
    said = [f"{'more than a million' if count is None else f'{count:,}'} ({_or(axes)})" for axes, count in needed]
    return f"Seed blocks for an adjusted interval of ±{points(margin)} at that SD: {', '.join(said)}"


def _equivalence(size: int, blocks: int, margin: float, spread: Spread | None, stage: Stage | None) -> str:
    from reports.statistics.power import equivalence_sd

    largest = equivalence_sd(blocks, size, stage=stage) * margin
    if largest == 0:
        return f"Cannot tell: this look finds nothing 'equivalent' within {points(margin)}, whatever the SD"
    needs = f"'equivalent' within {points(margin)} needs an SD below {largest * 100:.2g} points"
    if spread is None:
        return f"Cannot tell: {needs}"
    return f"{'Can' if spread.sd <= largest else 'Cannot'} tell: {needs}"


def points(share: float) -> str:
    """`1 point`, `0.5 points`."""
    return "1 point" if share == 0.01 else f"{share * 100:g} points"


def _or(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
