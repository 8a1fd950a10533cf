"""The sections of a study file beside its baseline, and its top level before the axes are read."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from ablate.baseline import Baseline
from ablate.engines.settings import EngineSettings
from lightning_modules.choices import Choices

FRESH_SEEDS = 1_000_000
"""Seeds from here on are never a study's own: confirmations and tunings use them."""

PATH_NAME = "letters, digits, _ and -, at most 64"


def is_path_name(text: str) -> bool:
    """Whether a name may become a folder: of a study, or of its branch."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text) is not None


Metric = Literal["val_accuracy", "val_loss", "energy_nj", "parameters", "synops", "firing_rate", "train_seconds"]
Cost = Literal["energy_nj", "parameters", "synops", "firing_rate", "train_seconds"]


class Objective(Choices):
    """What is optimised and by how much two levels must differ to matter. Never a figure of the test part."""

    metric: Metric = "val_accuracy"
    direction: Literal["maximize", "minimize"]
    margin: Annotated[float, Field(gt=0)] | None = None
    expected_sd: Annotated[float, Field(gt=0)] | None = None
    """SD of the paired differences, in the unit of the metric, that planning is to assume; no run depends on it."""

    @field_validator("margin", "expected_sd")
    @classmethod
    def _accuracies_are_fractions(cls, size: float | None, info: ValidationInfo) -> float | None:
        if size is not None and size >= 1 and info.data.get("metric") == "val_accuracy":
            raise ValueError(f"{size:g} is too large; accuracies are fractions, one point is 0.01")
        return size

    def pursued(self) -> dict[str, Any]:
        """What runs and results know of it: all but what is only expected."""
        return self.model_dump(mode="json", exclude={"expected_sd"})

    @model_validator(mode="before")
    @classmethod
    def _an_accuracy_is_maximised_and_all_else_minimised(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "direction" in value:
            return value
        return value | {
            "direction": "maximize" if value.get("metric", "val_accuracy") == "val_accuracy" else "minimize"
        }


def _one_or_several(value: Any) -> str:
    return "list[Objective]" if isinstance(value, list) else "Objective"


# Told apart by their form, so that a mistake is reported of the form that was meant.
Objectives = Annotated[
    Annotated[Objective, Tag("Objective")] | Annotated[list[Objective], Tag("list[Objective]")],
    Discriminator(_one_or_several),
]


class Limit(Choices):
    """The largest value of a metric that is still feasible."""

    max: Annotated[float, Field(gt=0)]


class Search(Choices):
    """Which cells a search samples: how many, by which rule, within which limits."""

    trials: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    sampler: Literal["tpe", "gp", "cmaes", "nsga2", "random", "qmc"] = "tpe"
    pruner: Literal["none", "median", "hyperband", "wilcoxon"] = "none"
    constraints: dict[Cost, Limit] = Field(default_factory=dict)
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    """Of the sampler; the runs have the seeds of the study."""


class Tuning(Choices):
    """The search over nuisance parameters that every cell gets with the same budget before its seeds are run."""

    trials: Annotated[int, Field(strict=True, ge=2, le=10_000)]
    space: dict[str, Any] = Field(min_length=1)
    sampler: Literal["tpe", "gp", "random", "qmc"] = "tpe"
    seed: Annotated[int, Field(strict=True, ge=0)] = 0


class LookScheme(Choices):
    """When the effects of a growing study will be looked at, and how the error is shared among these looks."""

    at: list[Annotated[int, Field(strict=True, ge=2, le=10_000)]] = Field(min_length=2, max_length=20)
    boundary: Literal["obrien_fleming", "pocock"] = "obrien_fleming"

    @field_validator("at")
    @classmethod
    def _looks_follow_each_other(cls, at: list[int]) -> list[int]:
        if at != sorted(set(at)):
            raise ValueError(f"{at} does not increase; numbers of seed blocks, such as [5, 10], are needed")
        return at


class Tracking(Choices):
    """Weights & Biases: `offline` needs neither an account nor a network."""

    mode: Literal["online", "offline", "disabled"] = "offline"
    project: str = "snn-ablation"
    entity: str | None = None
    tuning: bool = False
    """Whether the trials of a tuning are tracked too."""

    @field_validator("project", "entity")
    @classmethod
    def _wandb_takes_it(cls, name: str | None) -> str | None:
        # W&B refuses another project when a run begins, and the run then trains untracked.
        if name is not None and re.fullmatch(r"[^/\\#?%:]{1,128}", name) is None:
            raise ValueError(f"{name!r} is no name in Weights & Biases; 1 to 128 characters without / \\ # ? % :")
        return name


class Exclusion(Choices):
    """Cells left out by the user, with the reason: `when` names a level, or several, of one or more axes."""

    when: dict[str, Any] = Field(min_length=1)
    because: str = Field(min_length=1)


class StudyFields(Choices):
    """The top level of a study file, before its axes are read."""

    name: str
    design: Literal["one_factor", "factorial", "search"] = "one_factor"
    seeds: Annotated[int, Field(strict=True, ge=1, le=10_000)] | list[Annotated[int, Field(strict=True)]] = 5
    baseline: Baseline
    axes: dict[str, Any] = Field(min_length=1)
    exclude: list[Exclusion] = Field(default_factory=list)
    objective: Objectives = Objective(direction="maximize")
    search: Search | None = None
    tuning: Tuning | None = None
    prune: Literal["none", "median", "hyperband"] = "none"
    """Stop runs of a paired design early, by seed block; the search has a pruner of its own."""
    looks: LookScheme | None = None
    """Declared before the first run, a study may be looked at several times without exploratory verdicts."""
    tracking: Tracking = Tracking()
    engine: EngineSettings = EngineSettings()
    plugins: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _a_search_samples_on_one_seed(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("design") == "search" and "seeds" not in value:
            return value | {"seeds": 1}
        return value

    @field_validator("looks", mode="before")
    @classmethod
    def _a_list_is_when(cls, looks: Any) -> Any:
        return {"at": looks} if isinstance(looks, list) else looks

    @field_validator("name")
    @classmethod
    def _name_is_safe_as_a_path(cls, name: str) -> str:
        if not is_path_name(name):
            raise ValueError(f"{name!r} is not a study name; {PATH_NAME}")
        return name

    @field_validator("seeds")
    @classmethod
    def _seeds_are_distinct_and_in_range(cls, seeds: int | list[int]) -> int | list[int]:
        if isinstance(seeds, int):
            return seeds
        if not seeds or len(set(seeds)) != len(seeds):
            raise ValueError(f"{seeds} is not a list of distinct seeds")
        if min(seeds) < 0:
            raise ValueError(f"{min(seeds)} is too small; a seed is 0 or more")
        if max(seeds) >= FRESH_SEEDS:
            raise ValueError(f"{max(seeds)} is too large; from {FRESH_SEEDS} on they are for confirmations and tunings")
        return seeds
