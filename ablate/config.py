"""Study files -> validated, frozen configuration; and which of its fields define an experiment.

The sections `data`, `model` and `training` are defined once, in `lightning_modules.choices`; this module adds what
makes a study of them: axes, design, seeds, exclusions, objective, tracking, engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator

from ablate import plugins, study_file
from ablate.errors import RequestError
from ablate.validation import accepts, explain
from lightning_modules import data
from lightning_modules.catalogue import near
from lightning_modules.choices import Choices, DataChoices, LevelOf, ModelChoices, TrainingChoices
from lightning_modules.level import Level

SECTIONS: dict[str, type[Choices]] = {"data": DataChoices, "model": ModelChoices, "training": TrainingChoices}

# Each field of a cell is declared here as part of what an experiment *is*, or only of where and how fast it runs.
# A test holds the declarations against the sections, so that a new field cannot slip in undeclared.
EXECUTION = frozenset({"data.root"})
_IDENTITY = {
    "data": (
        "name", "split", "subset", "augment", "batch_size",
    ),
    "model": (
        "depth", "width", "match_parameters", "timesteps", "residual", "shortcut", "zero_init_residual", "encoding",
        "normalization", "neuron", "leak", "threshold", "reset", "detach_reset", "fire", "scale", "surrogate",
        "readout", "initialization", "frame_size",
    ),
    "training": (
        "epochs", "optimizer", "lr", "weight_decay", "schedule", "loss", "label_smoothing", "rate_weight",
        "recalibrate",
    ),
}  # fmt: skip
IDENTITY = frozenset(f"{section}.{field}" for section, fields in _IDENTITY.items() for field in fields)

# Identity too, but no axis: results on different data never meet in one table.
_NOT_COMPARED = ("data.name", "data.split", "data.subset")

PATH_NAME = "letters, digits, _ and -, at most 64"


def is_path_name(text: str) -> bool:
    """Whether a name may become a folder: of a study, or of its branch."""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text) is not None


class Baseline(Choices):
    """The full configuration that every axis departs from."""

    protocol: Literal["sound", "paper_compat"] = "sound"
    data: DataChoices
    model: ModelChoices = ModelChoices()
    training: TrainingChoices = TrainingChoices()


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


@dataclass(frozen=True, slots=True)
class AxisLevel:
    """One level of an axis: what is printed and what it sets (`{"model.residual": "plain"}`)."""

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One choice that is compared; `reference` is the baseline's level and always one of `levels`."""

    name: str
    path: str
    levels: tuple[AxisLevel, ...]
    reference: str

    @property
    def composite(self) -> bool:
        """Whether a level sets several fields under a name of its own."""
        return "." not in self.path


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


@dataclass(frozen=True)
class Study:
    """A validated study: nothing in it can be wrong any more, and nothing in it changes."""

    fields: StudyFields
    axes: tuple[Axis, ...]
    plugin_folders: tuple[str, ...] = ()
    """Where its plug-ins were found besides the installed packages; not part of the study."""

    @property
    def name(self) -> str:
        return self.fields.name

    @property
    def baseline(self) -> Baseline:
        return self.fields.baseline

    @property
    def seeds(self) -> tuple[int, ...]:
        seeds = self.fields.seeds
        return tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)

    def axis(self, name: str) -> Axis | None:
        return next((axis for axis in self.axes if name in (axis.name, axis.path)), None)

    def plain(self) -> dict[str, Any]:
        """The resolved study file: reading it again gives an equal study."""
        tree = self.fields.model_dump(mode="json")
        if self.baseline.protocol == "paper_compat":
            tree["baseline"]["model"]["normalization"] = _spelled(self.baseline.model.normalization)
        return tree


def load(argument: str, overrides: Sequence[str] = ()) -> Study:
    """The study that an argument of the command line means.

    Args:
        argument: a packaged name, the path of a YAML file, or a study directory.
        overrides: `path=value`, in the paths of the file.

    Raises:
        RequestError: for everything that is wrong with it, in one line.
    """
    path = study_file.find(argument)
    return parse(study_file.read(path, overrides), where=str(path))


def parse(tree: Mapping[str, Any], *, where: str = "study") -> Study:
    """Validate the content of a study file.

    Raises:
        RequestError: naming the field, the value and what would be accepted.
    """
    folders = (str(Path(where).parent.absolute()), str(Path.cwd()))
    plugins.load_installed()
    named = tree.get("plugins") or []
    if not isinstance(named, list):
        raise RequestError(f"plugins: {named!r} is not a list of module names")
    plugins.load(named, folders)
    try:
        fields = StudyFields.model_validate(_with_protocol(tree))
    except ValidationError as error:
        raise RequestError(explain(error, StudyFields)) from error
    try:
        data.describe(fields.baseline.data)
    except ValueError as error:
        raise RequestError(f"baseline.{error}") from error
    axes = tuple(_axis(key, value, fields.baseline) for key, value in fields.axes.items())
    study = Study(fields, axes, folders if named else ())
    _check_axes_are_distinct(study.axes)
    _check_exclusions(study)
    return study


def with_settings(baseline: Baseline, settings: Mapping[str, Any], *, where: str = "baseline") -> Baseline:
    """The baseline with some fields set, validated again.

    Raises:
        RequestError: naming `where` and the value.
    """
    tree = baseline.model_dump(mode="json")
    tree["model"]["normalization"] = _spelled(baseline.model.normalization)
    for path, value in settings.items():
        section, _, field = path.partition(".")
        tree[section] = {**tree[section], field: value}
    try:
        return Baseline.model_validate(_with_protocol({"baseline": tree})["baseline"])
    except ValidationError as error:
        raise RequestError(explain(error, Baseline, where=where)) from error


def _with_protocol(tree: Mapping[str, Any]) -> dict[str, Any]:
    """`paper_compat` means the released code's normalisation too, where the file does not say otherwise."""
    copy = dict(tree)
    baseline = copy.get("baseline")
    if not isinstance(baseline, Mapping) or baseline.get("protocol") != "paper_compat":
        return copy
    model = dict(baseline.get("model") or {})
    if model.get("normalization", "bntt") in ("bntt", {"name": "bntt"}):
        model["normalization"] = {"name": "bntt", "bias": True}
    return {**copy, "baseline": {**baseline, "model": model}}


def _spelled(level: Level) -> Any:
    """A chosen level as a file has to say it, so that `_with_protocol` leaves a `bntt` without bias alone."""
    return {"name": "bntt", "bias": False} if level == Level("bntt") else level.plain()


def _axis(key: str, value: Any, baseline: Baseline) -> Axis:
    if isinstance(value, Mapping) and "name" not in value:
        return _composite(key, value, baseline)
    path = _path(key)
    if not isinstance(value, list) or not value:
        raise RequestError(f"axes.{key}: {value!r} is not a list of levels")
    reference = _level(path, _get(baseline, path), baseline, key)
    levels = {(level := _level(path, each, baseline, key)).label: level for each in value}
    levels.setdefault(reference.label, reference)
    return Axis(_alias(path), path, tuple(levels.values()), reference.label)


def _composite(key: str, bundles: Mapping[str, Any], baseline: Baseline) -> Axis:
    """An axis of named bundles of settings; the baseline itself is the bundle that changes nothing."""
    if not re.fullmatch(r"[a-z]\w*", key) or key in _aliases():
        raise RequestError(f"axes.{key}: a composite axis needs a name of its own; {key!r} is taken or no plain name")
    levels, reference = [], None
    for label, settings in bundles.items():
        _check_label(key, label)
        if not isinstance(settings, Mapping):
            raise RequestError(f"axes.{key}.{label}: {settings!r} is not a mapping of paths to values")
        paths = {_path(str(path)): value for path, value in settings.items()}
        if with_settings(baseline, paths, where=f"axes.{key}.{label}") == baseline:
            reference = str(label)
        levels.append(AxisLevel(str(label), paths))
    if reference is None:
        reference = "baseline"
        levels.append(AxisLevel(reference, {}))
    return Axis(key, key, tuple(levels), reference)


def _check_label(key: str, label: Any) -> None:
    """The names of bundles are the user's own words: whatever can be read on one line."""
    if isinstance(label, bool):
        spelt = str(label).lower()
        raise RequestError(f"axes.{key}: {spelt} is a YAML boolean where the name of a level belongs; quote the name")
    if not str(label).strip() or not str(label).isprintable():
        raise RequestError(f"axes.{key}: {label!r} is not the name of a level; printable characters are needed")


def _level(path: str, value: Any, baseline: Baseline, key: str) -> AxisLevel:
    plain = _spelled(value) if isinstance(value, Level) else value
    changed = with_settings(baseline, {path: plain}, where=f"axes.{key}")
    settled = _get(changed, path)
    return AxisLevel(label(settled), {path: _spelled(settled) if isinstance(settled, Level) else settled})


def label(value: Any) -> str:
    """How a level is printed: `latency(form=log)`, `4`, `true`."""
    if value is None:
        return "default"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get(baseline: Baseline, path: str) -> Any:
    section, _, field = path.partition(".")
    return getattr(getattr(baseline, section), field)


def _aliases() -> dict[str, str]:
    """Alias -> path of every axis: the last segment where it is unique, else the path with underscores."""
    paths = sorted(IDENTITY)
    last = [path.rpartition(".")[2] for path in paths]
    return {
        (end if last.count(end) == 1 else path.replace(".", "_")): path for end, path in zip(last, paths, strict=True)
    }


def plain_axes() -> dict[str, str]:
    """The axes whose levels are plain values, by alias, with what they accept and their default in words."""
    accepted = {}
    for alias, path in _aliases().items():
        section, _, name = path.partition(".")
        field = SECTIONS[section].model_fields[name]
        if path not in _NOT_COMPARED and not any(isinstance(each, LevelOf) for each in field.metadata):
            default = "null" if field.default is None else label(field.default)
            default = "needed" if field.is_required() else f"default {default}"
            accepted[alias] = f"{accepts(field)}; {default}"
    return accepted


def _alias(path: str) -> str:
    return next(alias for alias, known in _aliases().items() if known == path)


def _path(key: str) -> str:
    aliases = _aliases()
    if aliases.get(key, key) in _NOT_COMPARED:
        raise RequestError(f"axes.{key}: results on different data never meet in one table; write one study for each")
    if key in IDENTITY:
        return key
    if key in aliases:
        return aliases[key]
    if key in EXECUTION:
        raise RequestError(f"axes.{key}: says where a run happens, not what it is; it cannot be compared")
    raise RequestError(
        f"axes.{key}: not an axis{near(key, [*aliases, *aliases.values()])} any field of data, model or training is"
    )


def _check_axes_are_distinct(axes: Sequence[Axis]) -> None:
    seen: set[str] = set()
    for axis in axes:
        for path in {path for level in axis.levels for path in level.settings}:
            if path in seen:
                raise RequestError(f"axes.{axis.name}: {path} is set by another axis already")
            seen.add(path)


def _check_exclusions(study: Study) -> None:
    """Names must be right; a rule about a level or an axis that this study leaves out is right and never matches."""
    for number, rule in enumerate(study.fields.exclude):
        for name, wanted in rule.when.items():
            where = f"exclude[{number}].when.{name}"
            try:
                axis = study.axis(name) or Axis(name, _path(name), (), "")
                level_labels(axis, wanted, study.baseline)
            except RequestError as error:
                raise RequestError(f"{where}: {str(error).partition(': ')[2]}") from error


def level_labels(axis: Axis, wanted: Any, baseline: Baseline) -> list[str]:
    """The printed forms of one level or a list of them, as an exclusion names them.

    Raises:
        RequestError: if one of them is not a level the axis could have.
    """
    present = {level.label for level in axis.levels}
    labels = []
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if isinstance(value, str) and value in present:
            labels.append(value)
        elif axis.composite:
            known = ", ".join(sorted(present))
            raise RequestError(f"axes.{axis.name}: {value!r} is not a level{near(str(value), present)} levels: {known}")
        else:
            labels.append(_level(axis.path, value, baseline, axis.name).label)
    return labels
