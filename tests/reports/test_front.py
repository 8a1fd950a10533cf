"""Pareto fronts by their definition, and the card made of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_studies import one_factor

from reports.analyses.pareto import Pareto
from reports.guide import write_guide
from reports.results import StudyResults
from reports.statistics.front import on_front, probability_on_front

COORDINATES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8)


@given(COORDINATES)
def test_a_cell_is_on_the_front_unless_another_beats_it(points: list[tuple[int, int]]) -> None:
    value, cost = np.array(points, float).T
    expected = [not any(v >= a and c <= b and (v, c) != (a, b) for v, c in points) for a, b in points]
    assert on_front(value, cost).tolist() == expected


@given(st.lists(COORDINATES.filter(lambda each: len(each) == 3), min_size=2, max_size=4))
def test_leading_dimensions_are_fronts_of_their_own(fronts: list[list[tuple[int, int]]]) -> None:
    stacked = np.array(fronts, float)
    together = on_front(stacked[..., 0], stacked[..., 1])
    assert [row.tolist() for row in together] == [on_front(*each.T).tolist() for each in stacked]


def test_probabilities_by_hand() -> None:
    """The dear cell is better in one of two blocks: off the front only if both draws are the other block."""
    value = np.array([[0.5, 0.5], [0.9, 0.4], [0.1, 0.1]])
    cost = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    found = probability_on_front(value, cost)
    assert found[0] == 1 and found[2] == 0
    assert found[1] == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 2000))
    assert np.array_equal(found, probability_on_front(value, cost))


def with_energy(energies: dict[str, float], **more: dict[str, float]) -> StudyResults:
    results = one_factor(
        {"baseline": {"": [0.8, 0.82]}, "residual": {"plain": [0.6, 0.61], "sew_add": [0.7, 0.69]}},
        baseline={"residual": "sresnet"},
    )
    runs = results.runs.assign(energy_nj=results.runs["cell"].map(energies))
    runs = runs.assign(**{name: runs["cell"].map(values) for name, values in more.items()})
    return StudyResults(results.study, runs, results.curves, results.layers, [], {}, results.provenance)


CELLS = ("baseline", "residual=plain", "residual=sew_add")


def test_the_card_names_the_front_and_what_the_arithmetic_changes() -> None:
    """Few multiplications and many additions: cheap with integers, dear in floating point."""
    results = with_energy(
        dict(zip(CELLS, (100.0, 10.0, 110.0), strict=True)),
        macs=dict(zip(CELLS, (20_000.0, 2_000.0, 1_000.0), strict=True)),
        acs=dict(zip(CELLS, (8_000.0, 800.0, 117_000.0), strict=True)),
    )
    card = Pareto().compute(results)
    assert card.frame["cell"].tolist() == ["residual=plain", "baseline", "residual=sew_add"]
    assert card.frame["on_front"].tolist() == [True, True, False]
    assert card.frame["on_front_int8"].tolist() == [True, True, True]
    assert card.prose[0].startswith("2 of 3 cells are on the front")
    assert card.prose[1].endswith("for residual=sew_add.")
    assert card.frame["energy_fp16_nj"].tolist() == pytest.approx([3.32, 33.2, 48.3])
    assert card.prose[2] == (
        "Of 3 pairs of cells, 1 trades places by energy between 32-bit and 16-bit floating point and 8-bit integers: "
        "baseline and residual=sew_add."
    )
    assert card.table is not None and card.table.rows[1] == ("baseline", "81.0", "100", "yes", "1.00")
    assert card.notes[-1].startswith("Not shown: 1 cell off the front")


def test_without_operations_nothing_is_said_of_other_arithmetic() -> None:
    card = Pareto().compute(with_energy(dict(zip(CELLS, (100.0, 10.0, 110.0), strict=True))))
    assert len(card.prose) == 2 and card.frame["on_front_int8"].isna().all()


def test_a_study_without_energy_has_no_such_card() -> None:
    results = with_energy({"baseline": 1.0})
    assert Pareto().inapplicable(results) == "fewer than two cells have runs with both an accuracy and an energy"


def test_the_guide_as_json_holds_every_card_with_numbers_or_null(tmp_path: Path) -> None:
    write_guide(with_energy(dict(zip(CELLS, (100.0, 10.0, 110.0), strict=True))), tmp_path)
    guide = json.loads((tmp_path / "guide.json").read_text())
    cards = {card["key"]: card for card in guide["cards"]}
    assert guide["format"] == 1 and {"overview", "effects-residual", "pareto", "coverage"} <= cards.keys()
    rows = [dict(zip(cards["pareto"]["columns"], row, strict=True)) for row in cards["pareto"]["rows"]]
    assert rows[0]["cell"] == "residual=plain" and rows[0]["accuracy"] == pytest.approx(0.605)
    assert rows[0]["on_front"] is True and rows[0]["on_front_int8"] is None


def test_every_cell_is_held_against_the_control_without_spikes() -> None:
    """A saving counts only at no less accuracy than the control's: no claim about energy stands without it."""
    results = one_factor(
        {"baseline": {"": [0.8, 0.82]}, "neuron": {"relu": [0.8, 0.81], "plif": [0.7, 0.7], "if": [0.9, 0.9]}},
        baseline={"neuron": "lif"},
    )
    energies = {"baseline": 50.0, "neuron=relu": 100.0, "neuron=plif": 10.0, "neuron=if": 120.0}
    runs = results.runs.assign(energy_nj=results.runs["cell"].map(energies))
    card = Pareto().compute(
        StudyResults(results.study, runs, results.curves, results.layers, [], {}, results.provenance)
    )
    assert card.prose[-1] == (
        "1 of 3 spiking cells need less mean energy than the control without spikes (neuron=relu) at no less mean "
        "accuracy: baseline."
    )
    beats = card.frame.set_index("cell")["beats_control"]
    assert beats.to_dict() == {"neuron=plif": False, "baseline": True, "neuron=relu": False, "neuron=if": False}
