"""The differences of an axis's levels, drawn under each other: a forest plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports import wording
from reports.analyses.figure import Chart, Point, Series, known
from reports.statistics.verdict import DECIDED


def forest(contrasts: Sequence[dict[Any, Any]], margin: float | None) -> Chart | None:
    """Rows of `effects.csv` with their differences in points; None where no row has one."""
    points = tuple(_point(at, row) for at, row in enumerate(contrasts) if not wording.absent(row["difference"]))
    if not points:
        return None
    axis, reference = contrasts[0]["axis"], contrasts[0]["reference"]
    band = f", the band the margin of {wording.margin(margin).removeprefix('margin ')}" if margin else ""
    rings = any(not point.filled for point in points)
    decided = "a ring is a row that is not decided" if rings else "every row is decided"
    caption = (
        f"Difference of each level of {axis} to {reference} in test accuracy with its unadjusted 95 % "
        f"interval. The line at zero is no difference{band}; {decided}."
    )
    rows = tuple(str(row["level"]) for row in contrasts)
    return Chart(
        f"points of test accuracy against {axis}={reference}", "", (Series("difference", points),), caption,
        rows=rows, zero=True, margin=known(margin, 100),
    )  # fmt: skip


def _point(at: int, row: dict[Any, Any]) -> Point:
    size = wording.points(row["difference"], row["ci_low"], row["ci_high"])
    blocks = wording.count(int(row["seeds"]), "seed block")
    return Point(
        float(row["difference"]) * 100, float(at), x_low=known(row["ci_low"], 100), x_high=known(row["ci_high"], 100),
        text=f"{row['level']} against {row['reference']}: {size} points, {blocks}, {row['verdict']}",
        filled=str(row["verdict"]) in DECIDED,
    )  # fmt: skip
