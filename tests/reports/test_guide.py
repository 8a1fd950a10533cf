"""Guides as files and as terminal text: complete, repeatable, and honest about studies that show nothing."""

from __future__ import annotations

import copy
import dataclasses
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from synthetic_studies import factorial, one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.analyses.card import Card, Table, card_of
from reports.analyses.coverage import Coverage
from reports.analyses.overview import Overview
from reports.analyses.recommendations import Recommendations
from reports.effects import axis_effects
from reports.guide import cards, text_tables, write_guide
from reports.render import markdown
from reports.results import StudyResults

BASELINE = {"residual": "sresnet"}
REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]
WORSE = [0.87, 0.90, 0.87, 0.90, 0.89]
COSTS = {"firing_rate": 0.137, "energy_nj": 0.61, "parameters": 20808, "train_seconds": 6.21}
BINARY = {".png", ".pdf"}
HOSTILE = r"=cmd|' /C calc'!A0<script>alert(1)</script>&%$#_{}~^\"[x](y)*b*`c`" + "\x1b[31m"


def typical(**changes: object) -> StudyResults:
    values = {"baseline": {"": REFERENCE}, "residual": {"plain": WORSE, "sew_add": [0.91, 0.91, 0.92, 0.93, 0.92]}}
    return one_factor(values, baseline=BASELINE, **{"metrics": COSTS, **changes})


def test_the_axis_table_is_the_one_of_the_design() -> None:
    card = AxisEffects("residual").compute(typical())
    assert card.title == "residual (one-factor around sresnet; 5 seed blocks; test accuracy; margin 1 point)"
    assert card.table is not None
    assert card.table.headers == (
        "level", "accuracy % (95 % CI)", "difference, points (95 % CI)", "p (Holm)", "verdict",
        "firing rate", "energy nJ", "parameters", "s/run",
    )  # fmt: skip
    assert card.table.rows[0] == ("sresnet", "91.6 (90.2, 93.0)", "reference", "", "", "0.14", "0.61", "20,808", "6.2")
    assert card.table.rows[1][:5] == ("plain", "88.6 (86.7, 90.5)", "-3.0 (-3.9, -2.1)", "0.001", "worse")
    assert any("kSynOps" in note for note in card.notes), "a column without data is left out and named"


def test_the_overview_says_what_was_compared_and_what_was_found() -> None:
    compared, found, strongest, limits = Overview().compute(typical()).prose
    assert "3 cells x 5 seeds, 15 of 15 runs complete; protocol sound" in compared
    assert found == "2 contrasts with the baseline's levels: 1 worse and 1 undecided."
    assert "residual=plain is worse than sresnet, -3.0 (-3.9, -2.1) points" in strongest
    assert strongest.endswith("(at the baseline's hyperparameters).")
    assert "conditional on this one test set" in limits


def test_recommendations_rest_on_decided_rows_alone() -> None:
    frame = Recommendations().compute(typical()).frame
    assert frame["rests on"].tolist() == ["residual: plain against sresnet"]
    undecided = {"baseline": {"": REFERENCE}, "residual": {"plain": [0.95, 0.9, 0.88, 0.93, 0.9]}}
    assert Recommendations().compute(one_factor(undecided, baseline=BASELINE)).frame.empty


def test_a_difference_below_the_margin_recommends_nothing() -> None:
    level = [each + 0.002 + small for each, small in zip(REFERENCE, (1e-4, -1e-4, 2e-4, -2e-4, 0), strict=True)]
    study = one_factor({"baseline": {"": REFERENCE}, "residual": {"plain": level}}, baseline=BASELINE)
    assert Recommendations().compute(study).frame.empty
    assert "difference below the margin" in text_tables(study)


def test_an_analysis_that_fails_becomes_a_card() -> None:
    card = card_of(AxisEffects("no_such_axis"), typical())
    assert (card.status, card.reason[:13]) == ("failed", "StopIteration")


def test_writing_twice_and_from_other_row_orders_gives_the_same_bytes(tmp_path: Path) -> None:
    first = typical()
    runs = first.runs.sample(frac=1, random_state=0)
    shuffled = StudyResults(first.study, runs, first.curves, first.layers, (), {}, first.provenance)
    first.write(tmp_path / "files")
    ways = {"a": first, "b": shuffled, "c": StudyResults.read(tmp_path / "files")}
    content = [[path.read_bytes() for path in write_guide(r, tmp_path / name)] for name, r in ways.items()]
    assert content[0] == content[1] == content[2]
    names = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*.*")}
    assert names >= {"effects.csv", "guide.md", "guide.tex", "guide.html", "tables/effects-residual.tex"}


NOTHING = {
    "one seed": ({"baseline": {"": [0.9]}, "residual": {"plain": [0.8]}}, "not testable"),
    "one level": ({"baseline": {"": REFERENCE}}, "not applicable: the axis has one level"),
    "no complete run": ({"baseline": {"": ["crash"] * 3}, "residual": {"plain": ["missing"] * 3}}, "not testable"),
    "all tied": ({"baseline": {"": REFERENCE}, "residual": {"plain": REFERENCE}}, "no spread"),
    "all diverged": ({"baseline": {"": REFERENCE}, "residual": {"plain": ["diverged: nan"] * 5}}, "diverged 5 of 5"),
}


@pytest.mark.parametrize(("values", "says"), NOTHING.values(), ids=NOTHING)
def test_a_study_that_shows_little_gets_a_guide_that_says_so(values: dict, says: str, tmp_path: Path) -> None:
    study = one_factor(values, baseline=BASELINE)
    assert not [card.reason for card in cards(study) if card.status == "failed"]
    assert says in text_tables(study)
    assert len(write_guide(study, tmp_path)) >= 4


def test_a_study_whose_every_level_is_excluded_gets_a_guide() -> None:
    excluded = [{"cell": "c", "cell_id": "c", "levels": {"residual": "plain"}, "reason": "makes no sense"}]
    study = one_factor(
        {"baseline": {"": REFERENCE}}, baseline=BASELINE, axes={"residual": ["plain"]}, exclusions=excluded
    )
    assert not [card.reason for card in cards(study) if card.status == "failed"]
    assert "excluded: makes no sense" in text_tables(study)


def test_factorial_and_search_studies_get_a_guide() -> None:
    axes = {"residual": ["sresnet", "plain"], "timesteps": ["4", "8"]}
    values = {(r, t): REFERENCE for r in axes["residual"] for t in axes["timesteps"]}
    assert "factorial, against sresnet" in text_tables(factorial(values, axes))
    described = {"trials": 3, "sampler": "tpe", "pruner": "none", "constraints": {}}
    described["objectives"] = [{"metric": "val_accuracy", "direction": "maximize"}]
    search = typical(design="search", search=described)
    assert not [card.reason for card in cards(search) if card.status == "failed"]
    assert "This is a search" in text_tables(search)


def test_the_published_protocol_is_labelled_wherever_numbers_appear() -> None:
    made = {card.key: card for card in cards(typical(protocol="paper_compat"))}
    assert "test accuracy, test-selected" in made["effects-residual"].title
    assert "test-selected" in " ".join(made["overview"].prose)
    assert "test-selected" in " ".join(made["recommendations"].prose)


class _Page(HTMLParser):
    """Collects what a hostile name could have smuggled in, and what a screen reader needs."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.scopes: list[str] = []
        self.scripts: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "onerror", "onclick")]
        self.scopes += [value or "" for name, value in attrs if name == "scope"]
        self.ids += [value or "" for name, value in attrs if name == "id"]

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script":
            self.scripts.append(data.strip())


def hostile() -> StudyResults:
    values = {"baseline": {"": REFERENCE}, "residual": {HOSTILE: WORSE}}
    study = one_factor(values, baseline=BASELINE)
    return dataclasses.replace(study, study={**study.study, "file": f"residual: {HOSTILE}\n```\n\\end{{document}}"})


def test_hostile_names_stay_text_in_every_output(tmp_path: Path) -> None:
    written = {path.name: path.read_text() for path in write_guide(hostile(), tmp_path) if path.suffix not in BINARY}
    page = _Page()
    page.feed(written["guide.html"])
    assert page.tags.count("script") == 2 and page.tags[-1] == "script", "the list of runs and the page's own script"
    assert "alert(1)" not in page.scripts[-1]
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    assert "\\input" not in written["guide.tex"]
    assert written["guide.tex"].count("\\end{document}") == 1
    assert "<script>" not in written["guide.md"].split("```")[0]
    assert "[x](y)" not in written["guide.md"].split("```")[0]
    assert ",'=cmd" in written["effects.csv"] or ",\"'=cmd" in written["effects.csv"]
    assert not any("\x1b" in text for text in written.values())
    assert "\x1b" not in text_tables(hostile())
    assert pd.read_csv(tmp_path / "effects.csv").loc[0, "verdict"] == "worse"


def test_the_page_needs_nothing_but_itself_and_is_marked_up(tmp_path: Path) -> None:
    write_guide(typical(), tmp_path)
    text = (tmp_path / "guide.html").read_text()
    page = _Page()
    page.feed(text)
    assert [link[1:] for link in page.links] == [each for each in page.ids if each != "runs"]
    assert set(re.findall(r"https?://[^\s\"'<]*", text)) == {"http://www.w3.org/2000/svg"}, "a name, not an address"
    assert page.tags.count("h1") == 1
    assert {"col", "row"} == set(page.scopes)
    assert text.count('role="img" aria-label="') == text.count('<svg class="figure') + 2, (
        "and a plot beside each contrast"
    )
    assert 'aria-label="plain: -3.0 (-3.9, -2.1) points, worse"' in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_latex_is_balanced_and_uses_booktabs(tmp_path: Path) -> None:
    write_guide(hostile(), tmp_path)
    text = (tmp_path / "guide.tex").read_text()
    for environment in ("document", "tabular", "itemize"):
        assert text.count(f"\\begin{{{environment}}}") == text.count(f"\\end{{{environment}}}")
    assert text.count("\\toprule") == text.count("\\bottomrule") == text.count("\\begin{tabular}")
    bare = text.replace("\\{", "").replace("\\}", "")
    assert bare.count("{") == bare.count("}")


def test_a_title_with_markup_stays_a_title() -> None:
    card = Card("k", "a|b", ("x",))
    assert markdown.render("t", [card]).startswith("# t\n\n## a\\|b")


def test_a_guide_needs_neither_torch_nor_the_other_rooms() -> None:
    code = (
        "import sys, reports.guide, reports.sources.study_directory as d; "
        "heavy = {'torch', 'ablate', 'lightning_modules', 'scipy.stats', 'optuna'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_a_guide_says_what_its_energy_figures_rest_on() -> None:
    told = dataclasses.replace(typical(), provenance={"energy": ["arithmetic alone at 45 nm, fp32"]})
    untold = dataclasses.replace(typical(), provenance={})

    notes = Overview().compute(told).notes

    assert any("Energy is per sample, arithmetic alone at 45 nm, fp32. Beside the SynOps" in note for note in notes)
    assert any("a sum of spikes" in note and "multiply-accumulate" in note for note in notes)
    assert not any("Energy" in note or "SynOp" in note for note in Overview().compute(untold).notes)


def test_levels_that_are_on_record_are_defined_with_their_sources() -> None:
    study = typical()
    axes = copy.deepcopy(study.study["axes"])
    axes[0]["definitions"] = {"plain": {"equation": "SN(F(x)), no shortcut", "source": "a control"}}
    told = dataclasses.replace(study, study={**study.study, "axes": axes})
    card = next(card for card in cards(told) if card.key == "definitions")
    assert card.table and card.table.rows == ((axes[0]["name"], "plain", "SN(F(x)), no shortcut", "a control"),)
    assert not any(card.key == "definitions" for card in cards(study))


def test_a_table_or_figure_that_no_longer_stands_is_removed(tmp_path: Path) -> None:
    """More runs can take a recommendation back; its table must not stay for a paper to include."""
    write_guide(typical(), tmp_path)
    assert (tmp_path / "tables" / "recommendations.tex").is_file()
    own = tmp_path / "figures" / "mine.txt"
    stale = [tmp_path / "figures" / f"effects-neuron.{form}" for form in ("svg", "pdf", "png")]
    for path in (own, *stale):
        path.write_text("from an earlier guide, or not from a guide at all")
    values = {"baseline": {"": [0.5, 0.6]}, "residual": {"plain": [0.6, 0.5]}}
    undecided = one_factor(values, baseline=BASELINE)

    written = write_guide(undecided, tmp_path)

    assert set((tmp_path / "tables").glob("*.tex")) == {path for path in written if path.parent.name == "tables"}
    assert not (tmp_path / "tables" / "recommendations.tex").exists()
    assert own.exists() and not any(path.exists() for path in stale)


def test_what_a_card_folds_is_folded_in_markdown_too_but_its_sentences_are_not() -> None:
    card = Card("k", "title", ("said",), table=Table(("a",), (("1",),), (True,)), notes=("noted",), folded=True)
    folded = markdown.render("t", [card])
    assert "## title\n\nsaid\n\n<details>\n<summary>Details</summary>\n\n| a |" in folded
    assert folded.endswith("* noted\n\n</details>\n")
    assert "<details>" not in markdown.render("t", [card], fold=False)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (None, ""),
        (100, "One of the 100 test samples is 1 point; the margin of 1 point is not above that and not resolved."),
        (1600, "The choice of the 1,600 test samples alone moves an accuracy by about 1.2 points (one standard error), "
               "more than the margin of 1 point: verdicts hold for this test set."),
        (10_000, ""),
    ],
)  # fmt: skip
def test_a_margin_that_the_test_samples_cannot_resolve_is_named(samples: int | None, said: str) -> None:
    """At an accuracy of one half the standard error is 0.5 / sqrt n: 1.25 points with 1,600, 0.5 with 10,000."""
    values = {"baseline": {"": [0.5, 0.5]}, "residual": {"plain": [0.5, 0.5]}}
    data = {"name": "digits", "classes": 10, "test": samples}
    made = one_factor(values, baseline={"residual": "sresnet"}, data=data)
    notes = [each for each in Overview().compute(made).notes if "test samples" in each]
    assert notes == ([said] if said else [])


def test_two_better_levels_are_not_ranked_and_a_worse_one_recommends_no_reference() -> None:
    """A row compares a level with the reference alone: it cannot tell to keep the reference where others are better."""
    better = [value + gain for value, gain in zip(REFERENCE, (0.03, 0.031, 0.029, 0.03, 0.031), strict=True)]
    best = [value + gain for value, gain in zip(REFERENCE, (0.05, 0.051, 0.049, 0.05, 0.051), strict=True)]
    values = {"baseline": {"": REFERENCE}, "residual": {"ms": better, "or": best, "plain": WORSE}}
    frame = Recommendations().compute(one_factor(values, baseline=BASELINE)).frame
    first, second, third = frame["recommendation"]
    assert (
        first.startswith("For accuracy, take residual=ms rather than sresnet")
        and "not tested against or, also better" in first
    )
    assert (
        second.startswith("For accuracy, take residual=or rather than sresnet")
        and "not tested against ms, also better" in second
    )
    assert third.startswith("For accuracy, do not take residual=plain in place of sresnet")
    assert not frame["recommendation"].str.contains("Keep").any()


def test_coverage_bounds_every_contrast_with_lost_runs() -> None:
    values = {"baseline": {"": REFERENCE}, "residual": {"plain": ["out of memory", *WORSE[1:]]}}
    card = Coverage().compute(one_factor(values, baseline=BASELINE))
    row = axis_effects(one_factor(values, baseline=BASELINE), "residual").iloc[0]
    assert card.prose[-1] == (
        f"residual=plain against sresnet, {row['verdict']}: with its 1 lost run at the limits of accuracy the "
        f"difference is bounded by -20.4 to -0.4 points; the verdict is {row['verdict_bound_low']} at the lower and "
        f"{row['verdict_bound_high']} at the upper."
    )


def test_many_lost_runs_are_counted_by_reason_and_listed_in_the_frame() -> None:
    lost = ["out of memory"] * 20 + ["diverged in epoch 0"] * 5
    card = Coverage().compute(
        one_factor({"baseline": {"": [0.9] * 25}, "residual": {"plain": lost}}, baseline=BASELINE)
    )
    assert len(card.frame) == 25 and card.table is not None
    assert card.table.rows == (("lost", "out of memory", "20", "1"), ("diverged", "diverged in epoch 0", "5", "1"))
