"""Claims about a study: which runs they are about, and what the tests make of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from synthetic_studies import factorial, one_factor

from reports.claims.evaluation import evaluate
from reports.effects import effects
from reports.family import Family
from reports.results import StudyResults
from reports.statistics.sequential import Stage

SRESNET, PLAIN, OR = [0.90, 0.92, 0.91, 0.93, 0.90], [0.87, 0.90, 0.87, 0.89, 0.88], [0.90, 0.91, 0.92, 0.93, 0.91]


def residual(**levels: list[Any]) -> StudyResults:
    values = {"baseline": {"": SRESNET}, "residual": {"plain": PLAIN, "or": OR, **levels}}
    return one_factor(values, baseline={"residual": "sresnet"})


def check(results: StudyResults, *sentences: str) -> pd.DataFrame:
    return evaluate({each: each for each in sentences}, results).frame.set_index("claim")


def test_better_by_an_amount_is_a_one_sided_test_of_more_than_that() -> None:
    row = check(residual(), "sresnet beats plain by 1 point").iloc[0]
    differences = np.subtract(SRESNET, PLAIN)
    assert row["difference"] == pytest.approx(differences.mean())
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(differences, 0.01, alternative="greater").pvalue)
    assert row["p_against"] == pytest.approx(stats.ttest_1samp(differences, 0.01, alternative="less").pvalue)
    low, high = stats.ttest_1samp(differences, 0).confidence_interval(0.90)
    assert (row["ci90_low"], row["ci90_high"]) == pytest.approx((low, high))
    assert (row["outcome"], row["seeds"], row["cells"]) == ("holds", 5, 1)


def test_a_claim_and_its_mirror_image_say_the_same() -> None:
    one = check(residual(), "sresnet beats plain by 1 point").iloc[0]
    mirrored = check(residual(), "plain loses to sresnet by 1 point").iloc[0]
    assert mirrored["p_value"] == pytest.approx(one["p_value"])
    assert mirrored["difference"] == pytest.approx(-one["difference"])


def test_matching_needs_both_one_sided_tests() -> None:
    row = check(residual(), "or matches sresnet within 2 points").iloc[0]
    differences = np.subtract(OR, SRESNET)
    both = [stats.ttest_1samp(differences, limit, alternative=side).pvalue
            for limit, side in ((-0.02, "greater"), (0.02, "less"))]  # fmt: skip
    assert row["p_value"] == pytest.approx(max(both))
    assert row["outcome"] == "holds"


def test_matching_is_refuted_beyond_either_limit_at_twice_the_smaller_p() -> None:
    row = check(residual(), "plain matches sresnet within 1 point").iloc[0]
    differences = np.subtract(PLAIN, SRESNET)
    below = stats.ttest_1samp(differences, -0.01, alternative="less").pvalue
    assert row["p_against"] == pytest.approx(2 * below)
    assert row["outcome"] == "refuted"


def test_without_an_amount_matching_takes_the_margin_and_agrees_with_the_guide() -> None:
    """A file with one claim is a family of one, as an axis with one contrast is."""
    study = one_factor({"baseline": {"": SRESNET}, "residual": {"or": OR}}, baseline={"residual": "sresnet"})
    row = check(study, "or matches sresnet").iloc[0]
    assert row["p_value"] == pytest.approx(Family.of(study, "residual").judged.p_equivalence[0])


def test_not_worse_than_is_a_one_sided_test_from_the_amount_below() -> None:
    row = check(residual(), "or is not worse than sresnet by more than 1 point").iloc[0]
    wanted = stats.ttest_1samp(np.subtract(OR, SRESNET), -0.01, alternative="greater").pvalue
    assert row["p_value"] == pytest.approx(wanted)


def test_the_claims_of_a_file_are_one_family() -> None:
    alone = check(residual(), "sresnet beats plain").iloc[0]
    three = check(residual(), "sresnet beats plain", "or beats sresnet", "or beats plain")
    assert alone["p_adjusted"] == pytest.approx(alone["p_value"])
    assert three["p_adjusted"].tolist() == pytest.approx(multipletests(three["p_value"], method="holm")[1].tolist())


def test_any_two_levels_of_an_axis_can_be_compared() -> None:
    row = check(residual(), "or beats plain").iloc[0]
    assert row["p_value"] == pytest.approx(stats.ttest_rel(OR, PLAIN, alternative="greater").pvalue)
    assert row["runs"].split() == [f"id-residual={level}-{seed}" for level in ("or", "plain") for seed in range(5)]


AXES = {"residual": ["sresnet", "plain"], "timesteps": ["2", "4", "8"]}
CROSSED = {
    ("sresnet", "2"): [0.80, 0.83, 0.81], ("plain", "2"): [0.78, 0.79, 0.80],
    ("sresnet", "4"): [0.90, 0.91, 0.90], ("plain", "4"): [0.88, 0.86, 0.87],
    ("sresnet", "8"): [0.95, 0.94, 0.95], ("plain", "8"): [0.99, 0.99, 0.98],
}  # fmt: skip


def test_conditions_choose_the_cells_whose_differences_are_averaged_within_a_block() -> None:
    """Blocks: mean of (2, 4, 1) and (2, 5, 3) points at T 2 and 4 = 2, 4.5, 2."""
    study = factorial(CROSSED, AXES)
    row = check(study, "sresnet beats plain at T <= 4").iloc[0]
    assert row["difference"] == pytest.approx((0.02 + 0.045 + 0.02) / 3)
    assert (row["cells"], row["seeds"], len(row["runs"].split())) == (2, 3, 12)
    assert check(study, "plain beats sresnet at timesteps = 8").iloc[0]["outcome"] == "holds"
    both = check(study, "sresnet beats plain at T > 2 and T < 8").iloc[0]
    assert both["cells"] == 1


def test_cells_that_a_rule_excluded_leave_their_pair_out_or_the_claim_untestable() -> None:
    left = {levels: values for levels, values in CROSSED.items() if levels != ("plain", "2")}
    out = {"cell": "x", "cell_id": "x", "levels": {"residual": "plain", "timesteps": "2"}, "reason": "too few steps"}
    study = factorial(left, AXES, exclusions=[out])
    assert check(study, "sresnet beats plain at T <= 4").iloc[0]["cells"] == 1
    row = check(study, "sresnet beats plain at T = 2").iloc[0]
    assert (row["outcome"], row["reason"]) == ("not testable", "excluded: too few steps")


def test_in_a_one_factor_study_a_condition_beside_the_baseline_matches_no_cells() -> None:
    values = {"baseline": {"": SRESNET}, "residual": {"plain": PLAIN}, "timesteps": {"2": OR}}
    study = one_factor(values, baseline={"residual": "sresnet", "timesteps": "4"})
    row = check(study, "sresnet beats plain at T = 2").iloc[0]
    assert row["outcome"] == "not testable" and row["reason"].startswith("no two cells of the design")
    assert check(study, "sresnet beats plain at T <= 4").iloc[0]["outcome"] == "holds"


def test_a_diverged_run_counts_at_chance() -> None:
    study = residual(plain=[*PLAIN[:4], "diverged at epoch 2 (loss nan)"])
    row = check(study, "sresnet beats plain").iloc[0]
    wanted = [*np.subtract(SRESNET[:4], PLAIN[:4]), SRESNET[4] - 0.1]
    assert row["difference"] == pytest.approx(np.mean(wanted))
    assert row["p_value"] == pytest.approx(stats.ttest_1samp(wanted, 0, alternative="greater").pvalue)


def test_a_claim_that_flips_with_a_lost_run_at_a_limit_is_undecided() -> None:
    study = residual(plain=[*PLAIN[:4], "worker was killed"])
    row = check(study, "sresnet beats plain").iloc[0]
    assert row["p_adjusted"] <= 0.05
    assert row["outcome"] == "undecided"
    assert row["reason"] == "holds without the 1 lost run, undecided with them at a limit of accuracy"


def test_no_spread_and_too_few_blocks_decide_nothing() -> None:
    same = check(residual(twin=SRESNET), "twin matches sresnet within 1 point").iloc[0]
    assert same["outcome"] == "undecided" and same["reason"].startswith("no spread")
    few = one_factor({"baseline": {"": [0.9]}, "residual": {"plain": [0.1]}}, baseline={"residual": "sresnet"})
    assert check(few, "sresnet beats plain").iloc[0]["outcome"] == "not testable"


def test_an_untestable_claim_keeps_its_place_in_the_family() -> None:
    study = residual(lost=["crash"] * 5)
    p = check(study, "sresnet beats plain", "lost beats plain")["p_adjusted"]
    assert p.iloc[0] == pytest.approx(2 * check(study, "sresnet beats plain")["p_value"].iloc[0])
    assert np.isnan(p.iloc[1])


def test_where_less_is_better_beating_means_less() -> None:
    study = residual()
    objective = {"metric": "val_accuracy", "direction": "minimize", "margin": 0.01}
    turned = StudyResults({**study.study, "objective": objective}, study.runs, study.curves, study.layers, (), {}, {})
    assert check(turned, "plain beats sresnet").iloc[0]["outcome"] == "holds"
    assert check(turned, "sresnet is not worse than plain").iloc[0]["outcome"] == "refuted"


def test_the_file_says_what_its_p_values_are_adjusted_over() -> None:
    card = evaluate({"gap": "sresnet beats plain", "or beats plain": "or beats plain"}, residual())
    assert card.prose == ("Of 2 claims 2 hold.",)
    assert card.notes[0] == "gap (sresnet beats plain)"
    assert any("p is adjusted by Holm over the 2 claims of this file" in note for note in card.notes)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("sresnett beats plain", "'sresnett' is not a level of this study; did you mean 'sresnet'"),
        ("residul=sresnet beats plain", "'residul' is not an axis of this study; did you mean 'residual'"),
        ("sresnet beats 2", "'sresnet' of residual and '2' of timesteps"),
        ("residual=sresnet beats T=2", "levels of two axes"),
        ("sresnet beats sresnet", "compared with itself"),
        ("sresnet beats plain at step <= 2", "'step' is not an axis"),
        ("sresnet beats plain at T = 3", "'3' is not a level of timesteps; levels: 2, 4, 8"),
        ("sresnet beats plain at T > 8", "no level of this study has timesteps > 8"),
        ("sresnet beats plain at T > a", "'a' is not a number"),
        ("sresnet beats plain at residual = or", "whose levels are compared"),
        ("T=2 beats T=4 at residual <= 2", "its levels have no order"),
    ],
)
def test_a_claim_that_the_study_does_not_understand_is_one_line(sentence: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        check(factorial(CROSSED, AXES), sentence)
    assert "\n" not in str(error.value)


def test_a_level_of_several_axes_asks_for_its_axis() -> None:
    study = factorial(
        {(a, b): [0.9, 0.8] for a in ("2", "4") for b in ("2", "4")}, {"depth": ["2", "4"], "timesteps": ["2", "4"]}
    )
    with pytest.raises(ValueError, match="both are levels of depth and timesteps; write depth=2"):
        check(study, "2 beats 4")
    assert check(study, "T=2 beats 4").iloc[0]["axis"] == "timesteps"
    assert check(study, "2.0 beats model.depth = 4").iloc[0]["axis"] == "depth"


def test_without_a_margin_matching_needs_an_amount() -> None:
    study = one_factor({"baseline": {"": OR}, "residual": {"a": OR}}, baseline={"residual": "b"}, margin=None)
    with pytest.raises(ValueError, match="no margin, so say how much: 'within 1 point'"):
        check(study, "a matches b")


def test_a_search_has_nothing_to_claim() -> None:
    with pytest.raises(ValueError, match="a search has no contrasts"):
        check(factorial(CROSSED, AXES, design="search"), "sresnet beats plain")


def test_a_true_claim_of_no_difference_is_refuted_and_held_at_most_as_often_as_the_level_says() -> None:
    """Both errors of 'beats' at equality, 400 studies of 5 seeds: 5 % each, 2 % Monte Carlo error at 2 SE."""
    rng, held, refuted = np.random.default_rng(7), 0, 0
    for _ in range(400):
        values = rng.normal(0.9, 0.01, (2, 5)).tolist()
        study = one_factor({"baseline": {"": values[0]}, "residual": {"a": values[1]}}, baseline={"residual": "b"})
        outcome = check(study, "a beats b").iloc[0]["outcome"]
        held, refuted = held + (outcome == "holds"), refuted + (outcome == "refuted")
    assert 0.02 <= held / 400 <= 0.08 and 0.02 <= refuted / 400 <= 0.08


def looked(*seeds: int, scheme: dict[str, Any] | None = None) -> StudyResults:
    """The study after reports at so many seed blocks each."""
    study = residual()
    made = {"residual": [{"seeds": each, "runs": 3 * each, "whole": True} for each in seeds]}
    description = {**study.study, "looks": {"scheme": scheme, "made": made}}
    return StudyResults(description, study.runs, study.curves, study.layers, (), {}, {})


def test_a_second_look_that_nobody_declared_decides_nothing() -> None:
    assert check(looked(5), "sresnet beats plain").iloc[0]["outcome"] == "holds"
    row = check(looked(3, 5), "sresnet beats plain").iloc[0]
    assert row["outcome"] == "undecided"
    assert row["reason"].startswith("holds in these runs taken alone, which is exploratory: look 2 at these effects")


def test_declared_looks_are_judged_by_their_repeated_p() -> None:
    scheme = {"at": [5, 10], "boundary": "pocock"}
    alone, row = (check(each, "sresnet beats plain").iloc[0] for each in (looked(5), looked(5, scheme=scheme)))
    assert row["p_value"] == pytest.approx(Stage((5, 10), 0, "pocock").one_sided(np.array([alone["p_value"]]))[0])
    assert row["p_value"] > alone["p_value"] and row["outcome"] == "holds"


@pytest.mark.parametrize("boundary", ["pocock", "obrien_fleming"])
def test_at_a_declared_look_the_intervals_are_repeated_as_p_is(boundary: str) -> None:
    """The 95 % one is that of `effects.csv`; where the 90 % one ends, the repeated p of a claim is 5 %."""
    study = looked(5, scheme={"at": [5, 10], "boundary": boundary})
    row = check(study, "plain loses to sresnet").iloc[0]
    effect = effects(study).set_index("level").loc["plain"]
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((effect["ci_low"], effect["ci_high"]))

    at_the_end = check(study, f"plain loses to sresnet by {-100 * row['ci90_high']:.10f} points").iloc[0]
    assert at_the_end["p_value"] == pytest.approx(0.05, rel=1e-5)
    alone = check(looked(5), "plain loses to sresnet").iloc[0]
    assert row["ci90_low"] < alone["ci90_low"] < alone["ci90_high"] < row["ci90_high"]
