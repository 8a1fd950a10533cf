"""Axes and their levels: what may be compared, under which name, and what each level sets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ablate import ranges
from ablate.baseline import SECTIONS, Baseline, spelled, value_at, with_settings
from ablate.errors import RequestError
from ablate.identity import EXECUTION, IDENTITY
from ablate.ranges import Range
from ablate.validation import accepts
from lightning_modules.catalogue import near
from lightning_modules.choices import LevelOf
from lightning_modules.level import Level

# Identity too, but no axis: results on different data never meet in one table.
_NOT_COMPARED = ("data.name", "data.split", "data.subset")


@dataclass(frozen=True, slots=True)
class AxisLevel:
    """One level of an axis: what is printed and what it sets (`{"model.residual": "plain"}`)."""

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """One choice that is compared; `reference` is the baseline's level and always one of `levels`.

    An axis with a `range` is sampled by a search or a tuning; its one level is the baseline's.
    """

    name: str
    path: str
    levels: tuple[AxisLevel, ...]
    reference: str
    range: Range | None = None

    @property
    def composite(self) -> bool:
        """Whether a level sets several fields under a name of its own."""
        return "." not in self.path

    def at(self, value: float) -> AxisLevel:
        """The level at a value of the range."""
        return AxisLevel(label(value), {self.path: value})


def read(key: str, value: Any, baseline: Baseline, *, where: str = "axes") -> Axis:
    """One entry of `axes`: levels or a range under an alias or a path, or named bundles of settings.

    Args:
        key, value: the entry.
        baseline: what it departs from.
        where: the block that it stands in.

    Raises:
        RequestError: naming the axis, the value and what would be accepted.
    """
    place = f"{where}.{key}"
    if isinstance(value, Mapping) and ranges.is_range(value):
        return _ranged(path_of(key, where), value, baseline, place)
    if isinstance(value, Mapping) and "name" not in value:
        return _composite(key, value, baseline, where)
    path = path_of(key, where)
    if not isinstance(value, list) or not value:
        raise RequestError(f"{place}: {value!r} is not a list of levels")
    reference = _level(path, value_at(baseline, path), baseline, place)
    levels = {(level := _level(path, each, baseline, place)).label: level for each in value}
    levels.setdefault(reference.label, reference)
    return Axis(_alias(path), path, tuple(levels.values()), reference.label)


def _ranged(path: str, value: Mapping[str, Any], baseline: Baseline, place: str) -> Axis:
    """An axis of numbers; both ends and the baseline's own value belong to it."""
    present = value_at(baseline, path)
    if not isinstance(present, int | float) or isinstance(present, bool):
        raise RequestError(f"{place}: a range is of numbers, and the baseline's level is {label(present)}")
    found = ranges.read(value, place)
    for end in (found.low, found.high):
        with_settings(baseline, {path: end}, where=place)
    if present not in found:
        raise RequestError(f"{place}: the baseline's {label(present)} is not in the range {found}")
    reference = AxisLevel(label(present), {path: present})
    return Axis(_alias(path), path, (reference,), reference.label, found)


def _composite(key: str, bundles: Mapping[str, Any], baseline: Baseline, where: str) -> Axis:
    """An axis of named bundles of settings; the baseline itself is the bundle that changes nothing."""
    place = f"{where}.{key}"
    if not re.fullmatch(r"[a-z]\w*", key) or key in aliases():
        raise RequestError(f"{place}: a composite axis needs a name of its own; {key!r} is taken or no plain name")
    levels, reference = [], None
    for label, settings in bundles.items():
        _check_label(place, label)
        if not isinstance(settings, Mapping):
            raise RequestError(f"{place}.{label}: {settings!r} is not a mapping of paths to values")
        paths = {path_of(str(path), where): value for path, value in settings.items()}
        if with_settings(baseline, paths, where=f"{place}.{label}") == baseline:
            reference = str(label)
        levels.append(AxisLevel(str(label), paths))
    if reference is None:
        reference = "baseline"
        levels.append(AxisLevel(reference, {}))
    return Axis(key, key, tuple(levels), reference)


def _check_label(place: str, label: Any) -> None:
    """The names of bundles are the user's own words: whatever can be read on one line."""
    if isinstance(label, bool):
        spelt = str(label).lower()
        raise RequestError(f"{place}: {spelt} is a YAML boolean where the name of a level belongs; quote the name")
    if not str(label).strip() or not str(label).isprintable():
        raise RequestError(f"{place}: {label!r} is not the name of a level; printable characters are needed")


def _level(path: str, value: Any, baseline: Baseline, place: str) -> AxisLevel:
    plain = spelled(value) if isinstance(value, Level) else value
    changed = with_settings(baseline, {path: plain}, where=place)
    settled = value_at(changed, path)
    return AxisLevel(label(settled), {path: spelled(settled) if isinstance(settled, Level) else settled})


def label(value: Any) -> str:
    """How a level is printed: `latency(form=log)`, `4`, `true`."""
    if value is None:
        return "default"
    return str(value).lower() if isinstance(value, bool) else str(value)


def aliases() -> dict[str, str]:
    """Alias -> path of every axis: the last segment where it is unique, else the path with underscores."""
    paths = sorted(IDENTITY)
    last = [path.rpartition(".")[2] for path in paths]
    return {
        (end if last.count(end) == 1 else path.replace(".", "_")): path for end, path in zip(last, paths, strict=True)
    }


def plain_axes() -> dict[str, str]:
    """The axes whose levels are plain values, by alias, with what they accept and their default in words."""
    accepted = {}
    for alias, path in aliases().items():
        section, _, name = path.partition(".")
        field = SECTIONS[section].model_fields[name]
        if path not in _NOT_COMPARED and not any(isinstance(each, LevelOf) for each in field.metadata):
            default = "null" if field.default is None else label(field.default)
            default = "needed" if field.is_required() else f"default {default}"
            accepted[alias] = f"{accepts(field)}; {default}"
    return accepted


def _alias(path: str) -> str:
    return next(alias for alias, known in aliases().items() if known == path)


def path_of(key: str, where: str = "axes") -> str:
    """The path of an axis that is named by its path or its alias.

    Raises:
        RequestError: if it is none.
    """
    known = aliases()
    if known.get(key, key) in _NOT_COMPARED:
        raise RequestError(
            f"{where}.{key}: results on different data never meet in one table; write one study for each"
        )
    if key in IDENTITY:
        return key
    if key in known:
        return known[key]
    if key in EXECUTION:
        raise RequestError(f"{where}.{key}: says where a run happens, not what it is; it cannot be compared")
    raise RequestError(
        f"{where}.{key}: not an axis{near(key, [*known, *known.values()])} any field of data, model or training is"
    )


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
            labels.append(_level(axis.path, value, baseline, f"axes.{axis.name}").label)
    return labels
