"""How many parameters a cell's network has, counted before it is trained. The one part of a search that loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def parameters(config: Mapping[str, Any]) -> int:
    """Learnt numbers of the network of a cell.

    Args:
        config: the sections `data` and `model` in full.
    """
    from lightning_modules import data
    from lightning_modules.choices import DataChoices, ModelChoices
    from lightning_modules.matching import match_parameters, parameter_count

    facts = data.describe(DataChoices.model_validate(config["data"]))
    shape: dict[str, Any] = {"in_channels": facts.shape[0], "classes": facts.classes, "events": facts.kind == "events"}
    choices = ModelChoices.model_validate(config["model"])
    if choices.match_parameters is not None:
        choices = match_parameters(choices, choices.match_parameters, **shape)
    return parameter_count(choices, **shape)
