"""Looks at a growing study: counted, judged by a declared scheme, exploratory without one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import pytest
from synthetic_studies import one_factor

from reports.analyses.axis_effects import AxisEffects
from reports.analyses.overview import Overview
from reports.analyses.power import Power
from reports.analyses.recommendations import Recommendations
from reports.counting_looks import with_this_look
from reports.effects import effects
from reports.guide import text_tables
from reports.results import StudyResults

REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]
WORSE = [0.87, 0.90, 0.87, 0.90, 0.89]
LOOK = {"seeds": 5, "runs": 10, "whole": True}


def study(level: list[float | str] = WORSE, **looks: Any) -> StudyResults:
    made = one_factor({"baseline": {"": REFERENCE}, "residual": {"plain": level}}, baseline={"residual": "sresnet"})
    return dataclasses.replace(made, study={**made.study, "looks": looks}) if looks else made


def only_effect(results: StudyResults) -> dict[str, Any]:
    return effects(results).to_dict("records")[0]


def test_the_first_look_is_judged_as_if_nobody_counted() -> None:
    plain, counted = effects(study()), effects(study(scheme=None, made={"residual": [LOOK]}))
    pd.testing.assert_frame_equal(counted, plain)
    assert plain["verdict"].tolist() == ["worse"]


def test_a_second_look_without_a_scheme_is_exploratory_and_recommends_nothing() -> None:
    made = [{"seeds": 3, "runs": 6, "whole": True}, LOOK]
    results = study(scheme=None, made={"residual": made})

    effect = only_effect(results)

    assert effect["verdict"] == "exploratory (look 2)"
    assert effect["reason"].startswith(
        "look 2 at these effects, and no scheme of looks was declared, taken alone: worse"
    )
    assert (effect["p_value"], effect["ci_low"]) == (only_effect(study())["p_value"], only_effect(study())["ci_low"])
    assert Recommendations().compute(results).frame.empty
    assert "1 exploratory (look 2)" in Overview().compute(results).prose[1]
    assert "none is more than exploratory" in Overview().compute(results).prose[2]
    notes = AxisEffects("residual").compute(results).notes
    assert (
        "reported 2 times while the study grew (after 6 runs of 3 seed blocks and 10 runs of 5 seed blocks)" in notes[0]
    )
    assert "exploratory (look 2)" in text_tables(results)


@pytest.mark.parametrize(
    ("boundary", "look", "p"),
    [("obrien_fleming", 0, 0.01668), ("pocock", 0, 0.00129), ("obrien_fleming", 1, 0.00069)],
)
def test_a_declared_look_has_repeated_p_values_and_intervals(boundary: str, look: int, p: float) -> None:
    """The p values are those of the bivariate normal distribution of both looks."""
    made = [{"seeds": each, "runs": 2 * each, "whole": True} for each in (5, 10)[: look + 1]]
    results = study(scheme={"at": [5, 10], "boundary": boundary}, made={"residual": made})

    effect, once = only_effect(results), only_effect(study())

    assert once["p_value"] == pytest.approx(0.000689, abs=1e-6)
    assert effect["p_value"] == pytest.approx(p, abs=1e-5)
    assert effect["verdict"] == "worse"
    assert effect["ci_low"] < once["ci_low"] < once["ci_high"] < effect["ci_high"]
    assert effect["ci_method"] == f"paired t, look {look + 1} of 2"
    assert f"this is look {look + 1} of 2" in AxisEffects("residual").compute(results).notes[0]


def test_a_look_that_can_find_nothing_says_so_and_names_no_size() -> None:
    """The boundary of O'Brien and Fleming is out of reach where the first look is at a twentieth of the blocks."""
    results = study(scheme={"at": [5, 100], "boundary": "obrien_fleming"}, made={"residual": [LOOK]})

    assert only_effect(results)["verdict"] == "undecided"
    assert AxisEffects("residual").compute(results).prose == (
        "With 5 seed blocks and 1 contrast in the family, this look detects no difference, however large.",
    )
    assert Overview().compute(results).prose[3].startswith("With 5 seed blocks this look detects no difference")
    table = Power().compute(results).table
    assert table is not None and table.rows[0][4] == "none"


def test_a_boundary_that_is_not_reached_leaves_a_small_p_undecided() -> None:
    level = [0.885, 0.914, 0.889, 0.925, 0.905]
    results = study(level, scheme={"at": [5, 10], "boundary": "obrien_fleming"}, made={"residual": [LOOK]})
    once = only_effect(study(level))
    assert (once["verdict"], only_effect(results)["verdict"]) == ("worse", "undecided")
    assert once["p_value"] < 0.02 < 0.05 < only_effect(results)["p_value"]


@pytest.mark.parametrize(
    "made",
    [
        [{"seeds": 5, "runs": 8, "whole": False}],
        [{"seeds": 4, "runs": 8, "whole": True}, LOOK],
        [LOOK, {"seeds": 5, "runs": 15, "whole": True}],
    ],
    ids=["runs were open", "at no declared number", "a level was added"],
)
def test_looks_off_the_scheme_are_exploratory(made: list[dict[str, Any]]) -> None:
    results = study(scheme={"at": [5, 10], "boundary": "pocock"}, made={"residual": made})
    effect = only_effect(results)
    assert effect["verdict"] == f"exploratory (look {len(made)})"
    assert "not all of them as declared" in effect["reason"]


def test_a_report_of_the_same_runs_is_the_same_look() -> None:
    made, shown = with_this_look(study(), {}, ())
    assert made == {"residual": [LOOK]}
    assert with_this_look(study(), made, shown) == (made, shown)


def test_what_shows_no_interval_is_no_look() -> None:
    one_seed = one_factor({"baseline": {"": [0.9]}, "residual": {"plain": [0.8]}}, baseline={"residual": "sresnet"})
    assert with_this_look(one_seed, {}, ()) == ({}, frozenset())


def test_runs_that_end_after_a_report_make_the_next_one_a_further_look() -> None:
    part = study([0.87, 0.90, "missing", "missing", "running"])
    made, shown = with_this_look(part, {}, ())
    assert made == {"residual": [{"seeds": 5, "runs": 7, "whole": False}]}

    made, _ = with_this_look(study(), made, shown)

    assert made["residual"][1:] == [LOOK]


def test_repeating_a_lost_run_is_no_further_look() -> None:
    """Its bounds were shown: whatever it gives could not have turned a verdict that stood."""
    lost = study([0.87, 0.90, 0.87, 0.90, "out of memory"])
    made, shown = with_this_look(lost, {}, ())
    repeating = study([0.87, 0.90, 0.87, 0.90, "running"])
    made_then, shown_then = with_this_look(repeating, made, shown)
    assert with_this_look(study(), made_then, shown_then)[0] == made == {"residual": [LOOK]}


def test_an_axis_that_was_not_shown_before_has_its_first_look_later() -> None:
    values = {"baseline": {"": REFERENCE}, "residual": {"plain": WORSE}, "encoding": {"poisson": ["missing"] * 5}}
    baseline = {"residual": "sresnet", "encoding": "direct"}
    made, shown = with_this_look(one_factor(values, baseline=baseline), {}, ())
    assert list(made) == ["residual"]
    whole = one_factor({**values, "encoding": {"poisson": WORSE}}, baseline=baseline)
    made, _ = with_this_look(whole, made, shown)
    assert [len(made[axis]) for axis in ("residual", "encoding")] == [1, 1]
