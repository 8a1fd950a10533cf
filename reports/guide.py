"""Which cards make a guide, in which order, and the files it is printed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from reports import wording
from reports.analyses.axis_effects import AxisEffects
from reports.analyses.axis_variance import AxisVariance
from reports.analyses.best_cells import BestCells
from reports.analyses.card import Analysis, Card, card_of
from reports.analyses.confirmed import Confirmed
from reports.analyses.costs import Costs
from reports.analyses.coverage import Coverage
from reports.analyses.definitions import Definitions
from reports.analyses.early_steps import EarlySteps
from reports.analyses.importance import Importance
from reports.analyses.interactions import Interaction
from reports.analyses.layers import Layers
from reports.analyses.learning_curves import LearningCurves
from reports.analyses.overview import Overview
from reports.analyses.pareto import Pareto
from reports.analyses.power import Power
from reports.analyses.pruned_runs import PrunedRuns
from reports.analyses.published import Published
from reports.analyses.recommendations import Recommendations
from reports.analyses.reproduction import Reproduction
from reports.analyses.timesteps import Timesteps
from reports.analyses.tuned import Tuned
from reports.analyses.variance import Variance
from reports.effects import effects
from reports.frames import to_csv, write_bytes, write_text
from reports.render import html, latex, markdown, paper, structured, text
from reports.results import StudyResults
from reports.run_list import RunList, run_list
from reports.side_by_side import names_of, side_by_side


def analyses(results: StudyResults) -> tuple[Analysis, ...]:
    """The questions a guide of these results asks, in its order."""
    return (
        Overview(), *_findings(results), *_where(Confirmed(), results), *_where(Pareto(), results),
        *_crossed(results), *_where(Tuned(), results), *_where(PrunedRuns(), results), *_costs(results),
        *_where(Timesteps(), results), *_where(EarlySteps(), results), *_inside(results),
        *_where(Published(), results), Coverage(), *_where(Definitions(), results), Reproduction(),
    )  # fmt: skip


def _findings(results: StudyResults) -> tuple[Analysis, ...]:
    if results.study["design"] == "search":
        return BestCells(), *_where(Importance(), results)
    return *(AxisEffects(axis) for axis in results.axes), Recommendations()


def _crossed(results: StudyResults) -> tuple[Analysis, ...]:
    if results.study["design"] == "search":
        return ()
    if results.study["design"] == "one_factor":
        return _where(AxisVariance(), results)
    return *(Interaction(*pair) for pair in combinations(results.axes, 2)), Variance()


def _inside(results: StudyResults) -> tuple[Analysis, ...]:
    """How the runs went, and what their number can tell: for a closer look, so folded where a page can fold."""
    if results.study["design"] == "search":
        return _where(LearningCurves(), results)
    return Layers(), *_where(LearningCurves(), results), Power()


def _costs(results: StudyResults) -> tuple[Analysis, ...]:
    return () if results.study["design"] == "search" else (Costs(),)


def _where(analysis: Analysis, results: StudyResults) -> tuple[Analysis, ...]:
    """Only where it has something to show: in other guides an empty card would be noise."""
    return () if analysis.inapplicable(results) else (analysis,)


def cards(results: StudyResults, asked: Iterable[Analysis] | None = None) -> tuple[Card, ...]:
    """The cards of a guide; an analysis that does not apply or fails is a card that says so."""
    return tuple(card_of(analysis, results) for analysis in (analyses(results) if asked is None else asked))


def write_guide(results: StudyResults, directory: Path | str, *, processes: int = 1) -> list[Path]:
    """Write `effects.csv` and the guide of a study (see `write_cards`); return the paths."""
    tables = {"effects.csv": to_csv(effects(results))}
    title = f"Design guide: {results.study['name']}"
    found = (card_of(analysis, results) for analysis in analyses(results))
    return write_cards(title, found, tables, directory, run_list(results), processes=processes)


def write_side_by_side(studies: Sequence[StudyResults], directory: Path | str) -> tuple[tuple[Card, ...], list[Path]]:
    """Write `side_by_side.csv` and the guide of several studies (see `write_cards`); gives its cards and the paths.

    Raises:
        ValueError: one line: the studies have nothing that stands side by side; nothing is written.
    """
    found = side_by_side(studies)
    title = f"Side by side: {wording.listing(list(names_of(studies)))}"
    rows = pd.concat([card.frame for card in found[1:]], ignore_index=True)
    return found, write_cards(title, found, {"side_by_side.csv": to_csv(rows)}, directory)


def write_cards(
    title: str,
    found: Iterable[Card],
    tables: Mapping[str, str],
    directory: Path | str,
    runs: RunList | None = None,
    *,
    processes: int = 1,
) -> list[Path]:
    """Write `tables`, `guide.*`, `tables/*.tex` and `figures/*`; return their paths.

    The files depend on the results alone: the same results give the same bytes, those of figures with the same version
    of matplotlib. A table or figure that an earlier guide had and this one has not is removed, so that no paper
    includes a number that no longer stands.

    Args:
        title: of the guide.
        found: its cards, in their order; figures are drawn while the next cards are computed.
        tables: file name -> content of further files.
        directory: where all of it goes.
        runs: what the rows of the page's tables refer to.
        processes: that may draw figures (see `Press`).
    """
    folder = Path(directory)
    with paper.Press(processes) as press:
        made = [press.take(card) for card in found]
        content = {
            **tables,
            "guide.md": markdown.render(title, made),
            "guide.tex": latex.render(title, made),
            "guide.html": html.render(title, made, runs),
            "guide.json": structured.render(title, made),
        }
        content |= {f"tables/{name}": table for name, table in latex.tables(made).items()}
        written = [write_text(folder / name, each) for name, each in content.items()]
        written += [write_bytes(folder / "figures" / name, drawn) for name, drawn in press.files()]
    kinds = ("tables/*.tex", *(f"figures/*.{form}" for form in paper.FORMATS))
    for stale in {path for kind in kinds for path in folder.glob(kind)} - set(written):
        stale.unlink()
    return written


def text_tables(results: StudyResults) -> str:
    """What a terminal shows after a run: the overview, the table of every axis, recommendations, lost runs."""
    apart = [*_where(Confirmed(), results), *_where(Tuned(), results), *_where(PrunedRuns(), results)]
    return text.render(cards(results, [Overview(), *_findings(results), *apart, Coverage()]))
