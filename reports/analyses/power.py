"""What the seeds of this study can tell, contrast by contrast, and how many an undecided one would need."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.figure import MOST_SERIES, Chart, Point, Series
from reports.effects import effects
from reports.looks import AxisLooks
from reports.results import StudyResults
from reports.statistics.power import blocks_for_half_width, detectable_effect, pooled_sd
from reports.statistics.sequential import Stage
from reports.statistics.verdict import UNDECIDED, UNDECIDED_LOST

_COLUMNS = ("axis", "level", "reference", "verdict", "seeds", "family_size", "sd", "sd_low", "sd_high", "detectable",
            "blocks", "blocks_low", "blocks_high")  # fmt: skip

_FEWEST_DRAWN = 3  # with two blocks only differences of a dozen SD are detected, which would set the scale


class Power:
    """Power of every contrast.

    The frame's columns: axis, level, reference, verdict, seeds, family_size; sd of the paired differences with its
    95 % interval sd_low, sd_high; detectable, the smallest true difference found at 80 % power, infinite at a look that
    finds none; and of undecided rows blocks, the seed blocks for an adjusted interval of plus and minus the margin,
    with blocks_low and blocks_high for the ends of the SD's interval. Differences and SDs are fractions.
    """

    key = "power"
    title = "What this number of seeds can tell"

    def inapplicable(self, results: StudyResults) -> str | None:
        if results.study["design"] == "search":
            return "a search samples cells; without matched cells there is no contrast to test"
        sd = effects(results)["sd_difference"].astype(float)
        return None if (sd > 0).any() else "no contrast has two seed blocks whose differences differ"

    def compute(self, results: StudyResults) -> Card:
        size = results.study["objective"].get("margin")
        rows = effects(results).to_dict("records")
        frame = pd.DataFrame(
            [_row(row, size, AxisLooks.of(results, row["axis"]).stage) for row in rows], columns=[*_COLUMNS]
        )
        open_rows = bool(frame["verdict"].isin([UNDECIDED, UNDECIDED_LOST]).any())
        wanted = open_rows and size is not None
        axes = frame.loc[frame["sd"] > 0, "axis"].nunique()
        notes = [
            _NOTE_SD,
            *([f"Drawn are the first {MOST_SERIES} of {axes} axes."] if axes > MOST_SERIES else []),
            *([_NOTE_BLOCKS] if wanted else []),
        ]
        table = _table(frame, size if wanted else None)
        return Card(self.key, self.title, tuple(_prose(size, open_rows)), frame, table, tuple(notes), folded=True,
                    figure=_figure(frame))  # fmt: skip


_NOTE_SD = (
    "The SD is estimated from the same few seed blocks, hence its wide interval; what follows from it is as uncertain. "
    "At the lower steps of Holm's procedure somewhat smaller differences are found."
)
_NOTE_BLOCKS = (
    "More seeds make a difference known more precisely; they do not make it appear. Decide on a number before looking "
    "again, not by looking until something is found."
)


def _prose(size: float | None, open_rows: bool) -> list[str]:
    sentences = [
        "Detected from: the smallest true difference that a row's test finds at 80 % power with its seed blocks, were "
        "the SD of its paired differences the one observed, at level 0.05 divided by the contrasts of its axis."
    ]
    if not open_rows:
        return [*sentences, "No row is undecided, so none asks for more seeds."]
    if size is None:
        return [*sentences, "No margin is set, so it is not known how precise an undecided row would have to be."]
    return [
        *sentences,
        f"Seed blocks for ±{wording.margin(size).removeprefix('margin ')}: how many in all give an undecided row an "
        "adjusted interval that reaches no further than the margin to either side of its difference; in brackets the "
        "same at both ends of the SD's interval. A difference known so well may still be undecided.",
    ]


def _row(row: dict[Any, Any], size: float | None, stage: Stage | None) -> dict[str, Any]:
    m, kept = int(row["family_size"]), {name: row[name] for name in _COLUMNS[:6]}
    if not row["sd_difference"] > 0:
        return kept
    seeds = int(row["seeds"])
    sds = pooled_sd(pd.Series([row["sd_difference"]]).to_numpy(float), pd.Series([seeds]).to_numpy(int))
    found = dict(zip(("sd", "sd_low", "sd_high"), sds, strict=True))
    found["detectable"] = detectable_effect(seeds, m, stage=stage) * sds[0]
    if size is not None and row["verdict"] in (UNDECIDED, UNDECIDED_LOST):
        for name, sd in zip(("blocks", "blocks_low", "blocks_high"), sds, strict=True):
            blocks = blocks_for_half_width(sd, size, m)
            found[name] = float("nan") if blocks is None else blocks
    return kept | found


def _table(frame: pd.DataFrame, size: float | None) -> Table:
    headers = ["contrast", "verdict", "seed blocks", "SD of differences, points (95 % CI)", "detected from, points"]
    headers += [f"seed blocks for ±{wording.margin(size).removeprefix('margin ')}"] if size is not None else []
    rows = tuple(_cells(row, size is not None) for row in frame.to_dict("records"))
    wanted = "; for undecided ones, the seed blocks of an interval as narrow as the margin" if size is not None else ""
    caption = (
        "What each contrast can tell: SD of its paired differences, and the smallest true difference detected at 80 % "
        f"power{wanted}."
    )
    return Table(tuple(headers), rows, (False, False, *(True,) * (len(headers) - 2)), caption=caption)


def _cells(row: dict[Any, Any], with_blocks: bool) -> tuple[str, ...]:
    low, high = (wording.fixed(row[name] * 100) for name in ("sd_low", "sd_high"))
    sd = wording.MISSING if wording.absent(row["sd"]) else f"{wording.fixed(row['sd'] * 100)} ({low} to {high})"
    detectable = "none" if math.isinf(row["detectable"]) else wording.fixed(row["detectable"] * 100)
    cells = [f"{row['axis']}={row['level']}", row["verdict"], str(row["seeds"]), sd, detectable]
    if not with_blocks:
        return tuple(cells)
    if row["verdict"] not in (UNDECIDED, UNDECIDED_LOST):
        return (*cells, "")
    blocks, low, high = (wording.fixed(row[name], 0) for name in ("blocks", "blocks_low", "blocks_high"))
    return (*cells, wording.MISSING if blocks == wording.MISSING else f"{blocks} ({low} to {high})")


def _figure(frame: pd.DataFrame) -> Chart:
    """What another number of seed blocks would detect, axis by axis, were the SDs those found."""
    drawn = list(dict.fromkeys(frame.loc[frame["sd"] > 0, "axis"]))[:MOST_SERIES]
    most = 2 * int(frame["seeds"].max())
    rows = frame[frame["axis"].isin(drawn) & (frame["sd"] > 0)]
    series = tuple(_curve(axes, rows[rows["axis"].isin(axes)], most) for axes in _alike(drawn, rows))
    caption = (
        "Smallest true difference that is detected at 80 % power by number of seed blocks, with the SD of each axis's "
        "differences taken as the one pooled over its contrasts and the level divided by their number."
    )
    return Chart("seed blocks", "detectable difference, points", series, caption)


def _alike(axes: list[str], rows: pd.DataFrame) -> list[list[str]]:
    """Axes whose curves would cover each other: of as many contrasts with the same SD, as it is printed."""
    found: dict[tuple[int, str], list[str]] = {}
    for axis in axes:
        m, sd = _spread(rows[rows["axis"] == axis])
        found.setdefault((m, wording.significant(sd)), []).append(axis)
    return list(found.values())


def _spread(rows: pd.DataFrame) -> tuple[int, float]:
    """Contrasts of an axis, and the SD of their differences pooled over these rows, in points."""
    sd = pooled_sd(rows["sd"].to_numpy(float), rows["seeds"].to_numpy(int))[0]
    return int(rows["family_size"].max()), sd * 100


def _curve(axes: list[str], rows: pd.DataFrame, most: int) -> Series:
    m, sd = _spread(rows)
    axis, each = wording.listing(axes), " each" if len(axes) > 1 else ""
    name = f"{axis} ({wording.count(m, 'contrast')}{each}, SD {wording.significant(sd)} points)"
    found = ((blocks, detectable_effect(blocks, m) * sd) for blocks in range(_FEWEST_DRAWN, max(most, 10) + 1))
    points = tuple(
        Point(float(blocks), size, text=f"{axis}, {blocks} seed blocks: {wording.fixed(size)} points")
        for blocks, size in found
    )
    return Series(name, points, joined=True)
