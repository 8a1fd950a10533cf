"""The error rates of the guide's statistics over thousands of simulated studies: the tables of docs/statistics.md.

Every study is judged by the code that makes a guide. Run with `pytest tests/benchmarks/test_coverage.py -s`; it takes a
few minutes. A figure in brackets is the Monte Carlo standard error in its last digits.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from simulated_studies import CROSSED, MARGIN, Drawn, Errors, Scenario, simulate
from synthetic_studies import one_factor

from reports.analyses.interactions import Interaction
from reports.effects import axis_effects
from reports.family import Family
from reports.results import StudyResults
from reports.statistics import paired
from reports.statistics.sequential import BOUNDARIES, Stage
from reports.statistics.verdict import Rules, judge

STUDIES, SLOW, FAST, SEEDS = 2_000, 500, 20_000, (3, 5, 10, 20)
FACTORIAL = Scenario(axes=CROSSED, effects=(0.0, 0.0), spreads=(0.01, 0.01, 0.02))
AT_MARGIN = Scenario(effects=(MARGIN, -MARGIN, MARGIN, -MARGIN), spreads=(0.004, 0.002, 0.004, 0.008, 0.012))
SCENARIOS = {
    "one-factor, nothing differs": Scenario(),
    "one-factor, two of four differ by 3 points": Scenario(effects=(0.03, -0.03, 0.0, 0.0)),
    "one-factor, all differ by exactly the margin": AT_MARGIN,
    "one-factor, all differ by 1.25 margins": replace(AT_MARGIN, effects=(0.0125, -0.0125, 0.0125, -0.0125)),
    "factorial, nothing differs": FACTORIAL,
    "factorial, seed x level SD twice the residual's": replace(FACTORIAL, spreads=(0.01,) * 3, interaction=0.02),
    "factorial, all differ by exactly the margin": replace(FACTORIAL, effects=(MARGIN, -MARGIN), interaction=0.005),
    "one run in ten lost": Scenario(lost=(0.1,) * 5),
    "one run in ten lost, the lowest ones": Scenario(lost=(0.1,) * 5, worst_lost=True),
    "one run in ten lost, all differ by exactly the margin": replace(AT_MARGIN, lost=(0.1,) * 5),
    "three runs in ten lost, the lowest ones, never the reference's":
        Scenario(lost=(0.0, 0.3, 0.3, 0.3, 0.3), worst_lost=True),
    "one run in ten diverges, at every level": Scenario(diverged=(0.1,) * 5),
    "one run in ten diverges, never the reference": Scenario(diverged=(0.0, 0.1, 0.1, 0.1, 0.1)),
}  # fmt: skip


def _share(values: np.ndarray) -> str:
    return _with_error(float(values.mean()), float(np.sqrt(values.mean() * (1 - values.mean()) / len(values))))


def _with_error(share: float, error: float) -> str:
    return f".{round(share * 1000):03} ({round(error * 1000)})" if share < 0.9995 else f"1.000 ({round(error * 1000)})"


def _row(blocks: int, errors: Errors) -> str:
    shares = (errors.simultaneous, errors.false_p, errors.false_difference, errors.false_equivalence, errors.wrong_sign)
    cells = [str(blocks), _with_error(*errors.coverage), *map(_share, shares), f"{errors.decided.mean():.2f}"]
    return " | ".join(cells)


@pytest.mark.timeout(0)
def test_error_rates_of_verdicts() -> None:
    print(f"\n{STUDIES:,} studies a row\n")
    columns = ("scenario", "seeds", "95 % intervals cover", "all adjusted ones do", "a false p <= .05",
               "a false better or worse", "a false equivalent", "a wrong sign", "decided")  # fmt: skip
    print(f"| {' | '.join(columns)} |")
    print("|---|" + "---:|" * 8)
    for at, (name, scenario) in enumerate(SCENARIOS.items()):
        for blocks in SEEDS:
            print(f"| {name} | {_row(blocks, simulate(scenario, blocks, STUDIES, seed=at))} |", flush=True)


@pytest.mark.timeout(0)
def test_units_of_a_factorial() -> None:
    """Block means against runs as units, when seeds act on levels."""
    print("\n| seed x level SD, residual = 1 | seeds | block means cover | runs as units cover |\n" + "|---:" * 4 + "|")
    for strength in (0.0, 1.0, 2.0, 3.0):
        scenario = replace(FACTORIAL, spreads=(0.01,) * 3, interaction=0.01 * strength)
        for blocks in (3, 10):
            random, study, inside = np.random.default_rng(blocks), scenario.template(blocks), []
            planned = Family.of(study, "residual")
            for _ in range(STUDIES):
                sides = scenario.draw(random, study).family(planned).sides[0]
                units = (sides.differences, (sides.level - sides.reference).ravel())
                inside.append([_holds_zero(paired.moments(each)) for each in units])
            print(f"| {strength:.0f} | {blocks} | " + " | ".join(map(_share, np.array(inside).T)) + " |", flush=True)


def _holds_zero(of: paired.Moments) -> bool:
    low, high = paired.interval(of)
    return bool(low[0] <= 0 <= high[0])


@pytest.mark.timeout(0)
def test_interaction_contrasts() -> None:
    """Six contrasts of two axes without an interaction, with unequal spreads and seeds acting on levels."""
    print(f"\n{SLOW} studies a row\n\n| seeds | 95 % intervals cover | a false p <= .05 |\n|---:|---:|---:|")
    scenario = replace(FACTORIAL, effects=(0.02, -0.01), interaction=0.01)
    for blocks in SEEDS:
        random, study = np.random.default_rng(blocks), scenario.template(blocks)
        held, wrong = [], []
        for _ in range(SLOW):
            frame = Interaction("residual", "norm").compute(scenario.draw(random, study).runs(study)).frame
            held.append(((frame["ci_low"] <= 0) & (frame["ci_high"] >= 0)).mean())
            wrong.append((frame["p_adjusted"] <= 0.05).any())
        covered = _with_error(float(np.mean(held)), float(np.std(held) / np.sqrt(len(held))))
        print(f"| {blocks} | {covered} | {_share(np.array(wrong))} |", flush=True)


@pytest.mark.timeout(0)
def test_looks_at_a_growing_study() -> None:
    """One contrast without a difference, looked at as declared, and after every added seed without a declaration."""
    print(f"\n{FAST:,} studies a row\n")
    print("| looks at | boundary | finds a difference at any | every interval covers |\n|---|---|---:|---:|")
    for at in ((5, 10), (4, 8, 12), (3, 6)):
        for boundary in BOUNDARIES:
            stages = [Rules(None, stage=Stage(at, look, boundary)) for look in range(len(at))]
            print(f"| {at} | {boundary} | " + " | ".join(map(_share, _looked(at, stages).T)) + " |", flush=True)
    for last in (10, 20):
        at = tuple(range(3, last + 1))
        shares = " | ".join(map(_share, _looked(at, [Rules(None)] * len(at)).T))
        print(f"| every seed from 3 to {last} | none | {shares} |", flush=True)


def _looked(at: Sequence[int], rules: Sequence[Rules]) -> np.ndarray:
    """Whether any look found a difference, and whether all its intervals held none `[studies, 2]`."""
    random, found = np.random.default_rng(at), []
    for _ in range(FAST):
        differences = random.normal(0, 0.01, (1, at[-1]))
        wrong, inside = False, True
        for blocks, rule in zip(at, rules, strict=True):
            judged = judge(differences[:, :blocks], 1.0, rule)
            low, high = paired.interval(judged.moments, rule.confidence(0.05))
            wrong, inside = wrong or bool(judged.p_adjusted[0] <= 0.05), inside and bool(low[0] <= 0 <= high[0])
        found.append((wrong, inside))
    return np.array(found, float)


@pytest.mark.timeout(0)
def test_statements_about_the_task() -> None:
    """Two equally good levels on 500 test samples: intervals over seeds against the wider of both that the guide has.

    Right or not by a logistic model: difficulty of the sample SD 1.5, level x sample, seed of each level.
    """
    print(f"\n{SLOW} studies a row\n")
    print("| level x sample SD | seed SD | seeds | interval over seeds covers | interval for the task covers |")
    print("|---:" * 5 + "|")
    for images, seeds in ((0.0, 0.3), (1.2, 0.1), (1.2, 0.5)):
        for blocks in (3, 5, 10):
            inside = _task_intervals(images, seeds, blocks)
            shares = " | ".join(map(_share, inside.T))
            print(f"| {images} | {seeds} | {blocks} | {shares} |", flush=True)


def _task_intervals(images: float, seeds: float, blocks: int, samples: int = 500) -> np.ndarray:
    """Whether both intervals hold no difference `[studies, 2]`."""
    random, inside = np.random.default_rng([blocks, int(10 * images), int(10 * seeds)]), []
    values = {"baseline": {"": [0.5] * blocks}, "residual": {"plain": [0.5] * blocks}}
    template = one_factor(values, baseline={"residual": "sresnet"})
    template = replace(template, study={**template.study, "data": {**template.study["data"], "test": samples}})
    for _ in range(SLOW):
        ease = random.normal(1, 1.5, samples) + random.normal(0, images, (2, 1, samples))
        ease = ease + random.normal(0, seeds, (2, blocks, 1))
        study = _with_bits(template, random.random(ease.shape) < 1 / (1 + np.exp(-ease)))
        row = axis_effects(study, "residual").iloc[0]
        spans = ((row["ci_low"], row["ci_high"]), (row["ci_task_low"], row["ci_task_high"]))
        inside.append([low <= 0 <= high for low, high in spans])
    return np.array(inside, float)


def _with_bits(template: StudyResults, right: np.ndarray) -> StudyResults:
    """A study of these bits `[cells, blocks, samples]`."""
    nothing = np.zeros(right.shape[:2], bool)
    study = copy.copy(Drawn(right.mean(axis=2), nothing, nothing).runs(template))
    packed = (base64.b64encode(np.packbits(each).tobytes()).decode() for each in right.reshape(-1, right.shape[2]))
    object.__setattr__(study, "correct", dict(zip(study.runs["run_id"], packed, strict=True)))
    return study
