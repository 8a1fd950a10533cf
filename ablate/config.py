"""Study files -> validated, frozen configuration.

The sections `data`, `model` and `training` are defined once, in `lightning_modules.choices`; `sections` adds what makes
a study of them, `axes` what is compared. Which fields define an experiment is declared in `identity`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablate import axes, demands, plugins, study_file
from ablate.axes import Axis
from ablate.baseline import Baseline, spelled, with_protocol
from ablate.errors import RequestError
from ablate.sections import Objective, StudyFields
from ablate.validation import explain
from lightning_modules import data


@dataclass(frozen=True)
class Study:
    """A validated study: nothing in it can be wrong any more, and nothing in it changes."""

    fields: StudyFields
    axes: tuple[Axis, ...]
    plugin_folders: tuple[str, ...] = ()
    """Where its plug-ins were found besides the installed packages; not part of the study."""
    nuisance: tuple[Axis, ...] = ()
    """What the tuning samples for every cell."""

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

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimised; one, but for a search."""
        given = self.fields.objective
        return tuple(given) if isinstance(given, list) else (given,)

    @property
    def objective(self) -> Objective:
        """The first objective on validation: it chooses the epoch."""
        return next((each for each in self.objectives if each.metric.startswith("val_")), Objective.model_validate({}))

    def axis(self, name: str) -> Axis | None:
        return next((axis for axis in self.axes if name in (axis.name, axis.path)), None)

    def plain(self) -> dict[str, Any]:
        """The resolved study file: reading it again gives an equal study."""
        tree = self.fields.model_dump(mode="json")
        for name in ("search", "tuning", "prune", "looks"):
            if getattr(self.fields, name) == StudyFields.model_fields[name].default:
                del tree[name]
        objectives = tree["objective"] if isinstance(tree["objective"], list) else [tree["objective"]]
        for objective in objectives:
            if objective["expected_sd"] is None:
                del objective["expected_sd"]
        if self.baseline.protocol == "paper_compat":
            tree["baseline"]["model"]["normalization"] = spelled(self.baseline.model.normalization)
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
        fields = StudyFields.model_validate(with_protocol(tree))
    except ValidationError as error:
        raise RequestError(explain(error, StudyFields)) from error
    try:
        data.describe(fields.baseline.data)
    except ValueError as error:
        raise RequestError(f"baseline.{error}") from error
    found = tuple(axes.read(key, value, fields.baseline) for key, value in fields.axes.items())
    space = fields.tuning.space if fields.tuning else {}
    nuisance = tuple(axes.read(key, value, fields.baseline, where="tuning.space") for key, value in space.items())
    study = Study(fields, found, folders if named else (), nuisance)
    _check_axes_are_distinct((*study.axes, *study.nuisance))
    _check_exclusions(study)
    demands.check(study)
    return study


def _check_axes_are_distinct(found: Sequence[Axis]) -> None:
    seen: set[str] = set()
    for axis in found:
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
                axis = study.axis(name) or Axis(name, axes.path_of(name), (), "")
                axes.level_labels(axis, wanted, study.baseline)
            except RequestError as error:
                raise RequestError(f"{where}: {str(error).partition(': ')[2]}") from error
