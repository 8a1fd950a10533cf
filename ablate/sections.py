"""The sections of a study file beside its baseline, and its top level before the axes are read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from ablate.baseline import Baseline
from lightning_modules.choices import Choices

PATH_NAME = "letters, digits, _ and -, at most 64"


def is_path_name(text: str) -> bool:
    """Whether a name may become a folder: of a study, or of its branch."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text) is not None


class Objective(Choices):
    """What is optimised and by how much two levels must differ to matter."""

    metric: Literal["val_accuracy", "val_loss"] = "val_accuracy"
    direction: Literal["maximize", "minimize"] = "maximize"
    margin: Annotated[float, Field(gt=0)] | None = None


class Tracking(Choices):
    """Weights & Biases: `offline` needs neither an account nor a network."""

    mode: Literal["online", "offline", "disabled"] = "offline"
    project: str = "snn-ablation"
    entity: str | None = None


class Engine(Choices):
    """Where runs execute. `workers: null` chooses one per physical core."""

    name: Literal["processes", "inline"] = "processes"
    workers: Annotated[int, Field(strict=True, ge=1)] | None = None
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"


class Exclusion(Choices):
    """Cells left out by the user, with the reason: `when` names a level, or several, of one or more axes."""

    when: dict[str, Any] = Field(min_length=1)
    because: str = Field(min_length=1)


class StudyFields(Choices):
    """The top level of a study file, before its axes are read."""

    name: str
    design: Literal["one_factor", "factorial"] = "one_factor"
    seeds: Annotated[int, Field(strict=True, ge=1, le=10_000)] | list[Annotated[int, Field(strict=True, ge=0)]] = 5
    baseline: Baseline
    axes: dict[str, Any] = Field(min_length=1)
    exclude: list[Exclusion] = Field(default_factory=list)
    objective: Objective = Objective()
    tracking: Tracking = Tracking()
    engine: Engine = Engine()
    plugins: list[str] = Field(default_factory=list)

    @field_validator("name")
    @classmethod
    def _name_is_safe_as_a_path(cls, name: str) -> str:
        if not is_path_name(name):
            raise ValueError(f"{name!r} is not a study name; {PATH_NAME}")
        return name

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct(cls, seeds: int | list[int]) -> int | list[int]:
        if isinstance(seeds, list) and (not seeds or len(set(seeds)) != len(seeds)):
            raise ValueError(f"{seeds} is not a list of distinct seeds")
        return seeds
