"""The sampler of each draw: a function of the trials so far and of a seed of its own, so that no state is stored.

Optuna's samplers keep random generators and, for CMA-ES, a pickled optimiser. Here each draw gets a fresh sampler under
a seed that follows from the number of the trial; it sees the stored trials in an Optuna study in memory. A search that
was killed therefore goes on as if it had not been, and nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from ablate.identity import digest
from ablate.search.generated import CmaSampler, SobolSampler


@dataclass(frozen=True, slots=True)
class Proposal:
    """Parameters, and what the sampler noted of them for its later draws."""

    params: Mapping[str, Any]
    system_attrs: Mapping[str, Any]


def draw_seed(*parts: object) -> int:
    """A seed of 32 bits that follows from what a draw is for."""
    return int(digest([str(part) for part in parts])[:8], 16)


def propose(
    trials: Sequence[FrozenTrial],
    directions: Sequence[Literal["maximize", "minimize"]],
    distributions: Mapping[str, BaseDistribution],
    sampler: BaseSampler,
) -> Proposal:
    """The next point; nothing is stored.

    Args:
        trials: all trials so far, by number, running ones among them.
        directions: `maximize` or `minimize` for each objective.
        distributions: what is sampled.
        sampler: fresh, for this draw alone.
    """
    memory = optuna.create_study(directions=list(directions), sampler=sampler)
    for trial in trials:
        memory.add_trial(trial)
    memory.ask(dict(distributions))
    asked = memory.get_trials(deepcopy=False)[-1]
    return Proposal(asked.params, asked.system_attrs)


def make(name: str, *, seed: int, budget: int, number: int, fixed_seed: int) -> BaseSampler:
    """A sampler by the name that study files use.

    Args:
        name: tpe, gp, cmaes, nsga2, random or qmc.
        seed: of this draw.
        budget: trials in all; the random start of a model and the size of a population follow from it.
        number: of the trial.
        fixed_seed: the same for all draws of a search, for a sequence that they share.
    """
    start = max(2, min(10, budget // 3))
    if name == "tpe":
        return TPESampler(seed=seed, n_startup_trials=start)
    if name == "gp":
        return GPSampler(seed=seed, n_startup_trials=start)
    if name == "nsga2":
        return NSGAIISampler(seed=seed, population_size=max(4, min(50, budget // 5)))
    if name == "cmaes":
        return CmaSampler(seed=seed)
    if name == "qmc":
        return SobolSampler(seed=fixed_seed, number=number)
    return RandomSampler(seed=seed)
