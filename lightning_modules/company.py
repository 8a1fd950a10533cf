"""What a choice brings along beside itself, by the facts of the catalogue. Nothing is built and torch is not imported.

A contrast between two levels of one axis is also a contrast between what they bring along: with the sources' own
defaults a residual kind comes with its shortcut, and a normalisation with weights for every step knows the step.
"""

from __future__ import annotations

from collections.abc import Collection

from lightning_modules.catalogue import fact
from lightning_modules.choices import ModelChoices


def brought_along(level: ModelChoices, reference: ModelChoices, own: Collection[str]) -> tuple[str, ...]:
    """What else differs between two choices, in words about `level`.

    Args:
        level, reference: two choices of a network.
        own: fields of `model` that were meant to differ.
    """
    found = [_shortcut(level, reference, own), _start(level, reference, own), _membrane(level, reference),
             _steps(level, reference)]  # fmt: skip
    return tuple(each for each in found if each)


def has_step_weights(model: ModelChoices) -> bool:
    """Whether weights of the network belong to single timesteps."""
    levels = (("normalization", model.normalization), ("neuron", model.neuron))
    return any(fact(axis, level, "fixed_timesteps") is True for axis, level in levels)


def _shortcut(level: ModelChoices, reference: ModelChoices, own: Collection[str]) -> str:
    if "shortcut" in own:
        return ""
    here, there = (each.shortcut or fact("residual", each.residual, "shortcut") for each in (level, reference))
    if here is None or there is None:
        fewer, more = (", fewer parameters", ", more parameters") if level.match_parameters is None else ("", "")
        return "" if here == there else f"no shortcut{fewer}" if here is None else f"a shortcut{more}"
    return "" if str(here) == str(there) else f"shortcut {here}, not {there}"


def _start(level: ModelChoices, reference: ModelChoices, own: Collection[str]) -> str:
    if "zero_init_residual" in own:
        return ""
    here, there = (
        fact("residual", each.residual, "zero_init_residual")
        if each.zero_init_residual is None
        else each.zero_init_residual
        for each in (level, reference)
    )
    if bool(here) == bool(there):
        return ""
    return "branches start at zero" if here else "branches do not start at zero"


def _membrane(level: ModelChoices, reference: ModelChoices) -> str:
    here, there = (fact("residual", each.residual, "own_membrane") == "own" for each in (level, reference))
    if here == there:
        return ""
    return "a membrane of its own" if here else "the model's membrane"


def _steps(level: ModelChoices, reference: ModelChoices) -> str:
    here, there = has_step_weights(level), has_step_weights(reference)
    if here == there:
        return ""
    said = "weights for every step (it knows the step)" if here else "no weights for every step (it knows no step)"
    if level.match_parameters is not None:
        return said
    return f"{said}, {'more' if here else 'fewer'} parameters"
