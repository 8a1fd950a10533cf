"""What an analysis returns, in a form that every renderer prints alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import pandas as pd

from reports.analyses.figure import Figure
from reports.results import StudyResults


@dataclass(frozen=True)
class Dot:
    """A point with its interval, drawn beside a row; `filled` where the row is decided."""

    low: float
    point: float
    high: float
    filled: bool
    text: str


@dataclass(frozen=True)
class Table:
    """A printed table: text cells, the first column names the row.

    Attributes:
        headers: column titles.
        rows: printed cells, as many a row as headers.
        numeric: per column, whether it is set flush right.
        dots: per row a dot for the plot or None; empty when the table has no plot.
        margin: half-width of the band of no interest around zero in the plot, or None.
        runs: per row the ids of the runs behind it; empty when rows stand for no runs.
        values: per row what its numeric columns are sorted by, unrounded; empty where the printed numbers will do.
        caption: a sentence that says what rows and columns are, for a reader who sees the table alone; empty for a
            table that is only printed on a terminal.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    dots: tuple[Dot | None, ...] = ()
    margin: float | None = None
    runs: tuple[tuple[str, ...], ...] = ()
    values: tuple[tuple[float | None, ...], ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Card:
    """One piece of a guide.

    Attributes:
        key: name of files and anchors (`effects-residual`).
        title, prose: heading and sentences; plain text, to be escaped by the renderer.
        frame: the numbers, unrounded.
        table: the numbers as printed, or None.
        notes: what a reader must know to read the table.
        code: (caption, verbatim text) blocks.
        status, reason: `ok`, or why there is nothing to show.
        folded: whether a page shows it folded.
        figure: the numbers as drawn, or None.
    """

    key: str
    title: str
    prose: tuple[str, ...] = ()
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    table: Table | None = None
    notes: tuple[str, ...] = ()
    code: tuple[tuple[str, str], ...] = ()
    status: Literal["ok", "not applicable", "failed"] = "ok"
    reason: str = ""
    folded: bool = False
    figure: Figure | None = None


class Analysis(Protocol):
    """One question to the results. Settings go into the constructor; `compute` is pure."""

    key: str
    title: str

    def inapplicable(self, results: StudyResults) -> str | None:
        """Why the question cannot be asked of these results, or None."""

    def compute(self, results: StudyResults) -> Card:
        """Answer it."""


def card_of(analysis: Analysis, results: StudyResults) -> Card:
    """The card of an analysis; one that does not apply, or fails, becomes a card that says so."""
    try:
        why = analysis.inapplicable(results)
        if why:
            return Card(analysis.key, analysis.title, status="not applicable", reason=why)
        return analysis.compute(results)
    except Exception as error:  # a guide with one card less is worth more than no guide
        return Card(analysis.key, analysis.title, status="failed", reason=f"{type(error).__name__}: {error}")
