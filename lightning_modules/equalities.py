"""Choices that are spelled differently and compute the same function. Nothing is built and torch is not imported.

One rule is one small function that gives the plainer spelling and the reason, or None. A level that does not state a
fact (a plug-in's) is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning_modules.catalogue import fact
from lightning_modules.choices import ModelChoices
from lightning_modules.level import Level

Plainer = tuple[dict[str, Any], str]


def same_function(first: ModelChoices, second: ModelChoices) -> str | None:
    """Why two choices compute the same function; None where they are the same choice or the catalogue cannot tell."""
    if first == second:
        return None
    one, reasons = _plainest(first)
    other, more = _plainest(second)
    return ", ".join(dict.fromkeys([*reasons, *more])) if one == other else None


def _plainest(model: ModelChoices) -> tuple[ModelChoices, list[str]]:
    reasons = []
    for rule in _RULES:
        if (found := rule(model)) is not None:
            changes, reason = found
            model = model.model_copy(update=changes)
            reasons.append(reason)
    return model, reasons


def _threshold_of_one(model: ModelChoices) -> Plainer | None:
    """tdbn's alpha theta is 1 where theta is 1 and nothing is added before a neuron."""
    level, single = model.normalization, fact("residual", model.residual, "branch_neuron")
    if level.name != "tdbn" or model.threshold != 1 or single is not True:
        return None
    shared = tuple((name, value) for name, value in level.options if name != "factor")
    return {"normalization": Level("bn", shared)}, "at threshold 1, with nothing added before the neuron"


def _one_step(model: ModelChoices) -> Plainer | None:
    """bn_step's statistics of a step are those of all steps where there is one."""
    if model.normalization.name != "bn_step" or model.timesteps != 1:
        return None
    return {"normalization": Level("bn", model.normalization.options)}, "at one timestep"


def _no_leak(model: ModelChoices) -> Plainer | None:
    """lif without a time constant keeps the whole membrane at leak 1; the leak of if means nothing."""
    if model.neuron != Level("lif") or model.leak != 1:
        return None
    return {"neuron": Level("if"), "leak": ModelChoices().leak}, "at leak 1"


def _unit_of_the_surrogate(model: ModelChoices) -> Plainer | None:
    """v/theta - 1 is v - theta where theta is 1."""
    if model.scale != "none" or model.threshold != 1:
        return None
    return {"scale": "theta"}, "at threshold 1"


_RULES: tuple[Callable[[ModelChoices], Plainer | None], ...] = (
    _threshold_of_one, _one_step, _no_leak, _unit_of_the_surrogate,
)  # fmt: skip
