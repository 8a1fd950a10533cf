"""The one Optuna study of a study, in which an axis can gain a level.

A level is a choice of a `CategoricalDistribution`, which is what samplers, importances and optuna-dashboard understand.
Optuna refuses a trial whose choices differ from those of earlier trials, so they cannot grow in place. When a plan
brings a new level, the trials are copied in order, unchanged but for the longer list of choices, into the next
generation of the Optuna study (`name-uid`, then `name-uid (2)`, ...). The copy counts once it is marked whole; the old
one is deleted after that. A process that dies in between leaves the old generation in force and a half copy that the
next owner deletes. It costs one record a trial, and only when an axis that was run before gains a level.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

_WHOLE = "whole"


def newest(storage: BaseStorage, base: str) -> int | None:
    """Id of the generation in force of the Optuna study `base`, or None if there is none."""
    generations = _generations(storage, base)
    return generations[max(generations)] if generations else None


def create(storage: BaseStorage, base: str, directions: Sequence[StudyDirection], attrs: Mapping[str, str]) -> int:
    """The first generation; gives its id."""
    study_id = storage.create_new_study(directions, base)
    for key, value in attrs.items():
        storage.set_study_user_attr(study_id, key, value)
    return study_id


def tidy(storage: BaseStorage, base: str) -> None:
    """Delete half copies and superseded generations that a killed process left behind."""
    kept = newest(storage, base)
    for study in storage.get_all_studies():
        if _number(study.study_name, base) is not None and study._study_id != kept:
            storage.delete_study(study._study_id)


def distributions(
    trials: Iterable[FrozenTrial], wanted: Iterable[Mapping[str, str]]
) -> tuple[dict[str, BaseDistribution], bool]:
    """Axis -> choices that hold all levels so far and all `wanted`, and whether present choices have to grow."""
    present: dict[str, BaseDistribution] = {}
    for trial in trials:
        present |= trial.distributions
    levels: dict[str, dict[str, None]] = {}
    for assignment in wanted:
        for axis, level in assignment.items():
            levels.setdefault(axis, {})[level] = None
    grown = dict(present)
    for axis, names in levels.items():
        choices = _choices(present.get(axis))
        if new := [name for name in names if name not in choices]:
            grown[axis] = CategoricalDistribution((*choices, *new))
    return grown, any(grown[axis] != distribution for axis, distribution in present.items())


def grow(storage: BaseStorage, base: str, study_id: int, choices: Mapping[str, BaseDistribution]) -> int:
    """Copy a generation into the next one with longer lists of choices; gives the new id."""
    number = max(_generations(storage, base)) + 1
    successor = storage.create_new_study(storage.get_study_directions(study_id), f"{base} ({number})")
    for key, value in storage.get_study_user_attrs(study_id).items():
        if key != _WHOLE:
            storage.set_study_user_attr(successor, key, value)
    for trial in storage.get_all_trials(study_id, deepcopy=False):
        copied = copy.copy(trial)
        copied.distributions = {axis: choices[axis] for axis in trial.distributions}
        storage.create_new_trial(successor, template_trial=copied)
    storage.set_study_user_attr(successor, _WHOLE, True)
    tidy(storage, base)
    return successor


def _choices(distribution: BaseDistribution | None) -> tuple[str, ...]:
    if not isinstance(distribution, CategoricalDistribution):
        return ()
    return tuple(str(each) for each in distribution.choices)


def _generations(storage: BaseStorage, base: str) -> dict[int, int]:
    """Number -> id of the generations that count."""
    found = {}
    for study in storage.get_all_studies():
        number = _number(study.study_name, base)
        if number == 1 or (number is not None and study.user_attrs.get(_WHOLE)):
            found[number] = study._study_id
    return found


def _number(name: str, base: str) -> int | None:
    if name == base:
        return 1
    match = re.fullmatch(re.escape(base) + r" \((\d+)\)", name)
    return int(match[1]) if match else None
