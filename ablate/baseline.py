"""The full configuration that every axis departs from, and how fields of it are set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import ValidationError

from ablate.errors import RequestError
from ablate.validation import explain
from lightning_modules import data
from lightning_modules.choices import Choices, DataChoices, ModelChoices, TrainingChoices
from lightning_modules.level import Level

SECTIONS: dict[str, type[Choices]] = {"data": DataChoices, "model": ModelChoices, "training": TrainingChoices}


class Baseline(Choices):
    """The full configuration that every axis departs from."""

    protocol: Literal["sound", "paper_compat"] = "sound"
    data: DataChoices
    model: ModelChoices = ModelChoices()
    training: TrainingChoices = TrainingChoices()


def with_settings(baseline: Baseline, settings: Mapping[str, Any], *, where: str = "baseline") -> Baseline:
    """The baseline with some fields set, validated again.

    Raises:
        RequestError: naming `where` and the value.
    """
    tree = baseline.model_dump(mode="json")
    tree["model"]["normalization"] = spelled(baseline.model.normalization)
    for path, value in settings.items():
        section, _, field = path.partition(".")
        tree[section] = {**tree[section], field: value}
    try:
        return Baseline.model_validate(with_protocol({"baseline": tree})["baseline"])
    except ValidationError as error:
        raise RequestError(explain(error, Baseline, where=where)) from error


def with_protocol(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`paper_compat` means the released code's normalisation and split too, where the file does not say otherwise."""
    copy = dict(tree)
    baseline = copy.get("baseline")
    if not isinstance(baseline, Mapping) or baseline.get("protocol") != "paper_compat":
        return copy
    model = dict(baseline.get("model") or {})
    if model.get("normalization", "bntt") in ("bntt", {"name": "bntt"}):
        model["normalization"] = {"name": "bntt", "bias": True}
    return {**copy, "baseline": {**baseline, "data": _released_split(baseline.get("data")), "model": model}}


def _released_split(section: Any) -> Any:
    """The `data` section with the split that has no validation part, where the data set has one and none is chosen."""
    if not isinstance(section, Mapping) or section.get("split") is not None or section.get("subset") is not None:
        return section
    known = data.DATASETS.get(str(section.get("name")))
    split = known and next((name for name, cut in known.splits.items() if cut.validation == 0), None)
    return {**section, "split": split} if split else section


def spelled(level: Level) -> Any:
    """A chosen level as a file has to say it, so that `with_protocol` leaves a `bntt` without bias alone."""
    return {"name": "bntt", "bias": False} if level == Level("bntt") else level.plain()


def value_at(baseline: Baseline, path: str) -> Any:
    """The value of a field: `model.residual`."""
    section, _, field = path.partition(".")
    return getattr(getattr(baseline, section), field)
