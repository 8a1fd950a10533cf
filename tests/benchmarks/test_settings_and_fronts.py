"""How well two further statements of a guide hold: the interval over other settings, the probability of the front.

The tables of docs/statistics.md. Run with `pytest tests/benchmarks/test_settings_and_fronts.py -s`, about a minute. A
figure in brackets is the Monte Carlo standard error in its last digits.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from reports.statistics.front import on_front, probability_on_front
from reports.statistics.paired import interval, moments
from reports.statistics.settings import settings_interval

STUDIES, FRONTS = 5_000, 1_000
STEPS = (0.0, 0.05, 0.5, 0.95, 1.0)


def _share(of: np.ndarray) -> str:
    share = float(of.mean())
    error = round(1000 * float(np.sqrt(share * (1 - share) / len(of))))
    return f".{round(share * 1000):03} ({error})" if share < 0.9995 else f"1.000 ({error})"


@pytest.mark.timeout(0)
def test_the_interval_over_other_settings() -> None:
    """True difference 0; cells, blocks and the rest are normal; the SD of the rest is 1, that of blocks 1."""
    print(f"\n{STUDIES:,} studies a row\n")
    print("| cell SD, residual = 1 | cells | seeds | over other settings covers | over seeds alone covers |")
    print("|---:" * 5 + "|")
    for spread in (0.0, 1.0, 3.0):
        for cells in (2, 4, 12):
            for blocks in (3, 5, 10):
                random, held = np.random.default_rng([int(spread), cells, blocks]), []
                for _ in range(STUDIES):
                    drawn = random.normal(0, spread, (cells, 1)) + random.normal(0, 1, (1, blocks))
                    drawn = drawn + random.normal(0, 1, (cells, blocks))
                    low, high = interval(moments(drawn.mean(axis=0)[None]))
                    spans = (settings_interval(drawn), (low[0], high[0]))
                    held.append([one <= 0 <= other for one, other in spans])
                shares = " | ".join(map(_share, np.array(held).T))
                print(f"| {spread:.0f} | {cells} | {blocks} | {shares} |", flush=True)


@pytest.mark.timeout(0)
def test_the_probability_of_the_front() -> None:
    """Twelve cells whose true accuracies and energies are drawn anew in every study, seeds shared by the cells.

    A cell of stated probability p should be on the true front, that of the expectations, in a share p of the studies.
    """
    print(f"\n{FRONTS:,} studies of 12 cells a row: share that truly is on the front, by its stated probability\n")
    steps = [f"{low} to {high}" for low, high in pairwise(STEPS)]
    print(f"| SD of a run, of the cells = 1 | seeds | {' | '.join(steps)} |\n" + "|---:" * 6 + "|")
    for spread in (0.2, 1.0):
        for blocks in (3, 5, 10, 20):
            stated, true = _fronts(np.random.default_rng([int(10 * spread), blocks]), spread, blocks)
            within = np.clip(np.digitize(stated, STEPS[1:-1]), 0, len(steps) - 1)
            found = [true[within == at] for at in range(len(steps))]
            shares = " | ".join(f"{_share(each)}, n {len(each):,}" if len(each) else "none" for each in found)
            print(f"| {spread} | {blocks} | {shares} |", flush=True)


def _fronts(random: np.random.Generator, spread: float, blocks: int, cells: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Stated probability of every cell of every study, and whether it is on the true front."""
    stated, true = [], []
    for study in range(FRONTS):
        expected = random.normal(0, 1, (2, cells, 1))
        runs = expected + random.normal(0, spread, (2, 1, blocks)) + random.normal(0, spread, (2, cells, blocks))
        stated.append(probability_on_front(runs[0], runs[1], seed=study))
        true.append(on_front(expected[0, :, 0], expected[1, :, 0]))
    return np.concatenate(stated), np.concatenate(true)
