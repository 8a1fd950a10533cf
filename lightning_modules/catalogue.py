"""Every level of every axis as plain data. Importing this module never loads torch.

The engine plans, lists and refuses with the catalogue alone; the classes behind the entries are imported
when a level is built (`lightning_modules.create`). A new level is one entry in `entries/<axis>.py`, one class and
one test; a plug-in adds its entries with `register`.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from lightning_modules import entries
from lightning_modules.level import Level, LevelEntry, Option, Scalar


class CatalogueError(ValueError):
    """A level or an option that the catalogue does not accept; the message names what would be."""


_ENTRIES: dict[str, dict[str, LevelEntry]] = {}


def register(*entries: LevelEntry) -> None:
    """Add levels to the catalogue.

    Raises:
        CatalogueError: if an axis already has a different level of that name.
    """
    for entry in entries:
        present = _ENTRIES.setdefault(entry.axis, {}).setdefault(entry.name, entry)
        if present != entry:
            raise CatalogueError(f"{entry.axis} already has a level {entry.name!r}, from {present.source}")


def axes() -> tuple[str, ...]:
    """The axes whose levels have names, in the order of the catalogue."""
    return tuple(_ENTRIES)


def levels(axis: str) -> Mapping[str, LevelEntry]:
    """The levels of one axis by name, in the order of the catalogue; empty for an unknown axis."""
    return dict(_ENTRIES.get(axis, {}))


def entry(axis: str, name: str) -> LevelEntry:
    """The entry of one level.

    Raises:
        CatalogueError: if there is none; the message names the nearest and all that exist.
    """
    known = _ENTRIES.get(axis)
    if known is None:
        raise CatalogueError(f"{axis!r} is not an axis with named levels{near(axis, _ENTRIES)}")
    if name not in known:
        raise CatalogueError(
            f"{name!r} is not a level of {axis}{near(name, known)} Levels: {', '.join(known)} (see: ablate axes {axis})"
        )
    return known[name]


def resolve(axis: str, value: Any) -> Level:
    """The level that a study file means by `value`: a name, or a mapping with `name` and options.

    Raises:
        CatalogueError: for an unknown level or option, or an option value out of range.
    """
    if isinstance(value, Level):
        value = value.plain()
    if isinstance(value, bool):
        raise CatalogueError(f"{str(value).lower()} is a YAML boolean where a level of {axis} belongs; quote the name")
    if isinstance(value, str):
        return Level(entry(axis, value).name)
    if not isinstance(value, Mapping) or not isinstance(value.get("name"), str):
        raise CatalogueError(f"{value!r} is not a level of {axis}; write a name or {{name: ..., option: ...}}")
    found = entry(axis, value["name"])
    chosen: list[tuple[str, Scalar]] = []
    for key, given in value.items():
        if key == "name":
            continue
        option = found.option(str(key))
        if option is None:
            names = [known.name for known in found.options]
            accepted = f"Options: {', '.join(names)}" if names else "it has no options"
            raise CatalogueError(f"{key!r} is not an option of {found.name}{near(str(key), names)} {accepted}")
        checked = _check_option(found.name, option, given)
        if checked != option.default:
            chosen.append((option.name, checked))
    return Level(found.name, tuple(sorted(chosen)))


def options(axis: str, level: Level) -> dict[str, Scalar]:
    """All options of a chosen level, defaults included."""
    return {option.name: option.default for option in entry(axis, level.name).options} | dict(level.options)


def fact(axis: str, level: Level, name: str) -> Scalar:
    """A fact of a chosen level, None where its entry does not state it.

    A fact written `option:a` in the entry is the value that option `a` has in this level.
    """
    stated = entry(axis, level.name).facts.get(name)
    if isinstance(stated, str) and stated.startswith("option:"):
        return options(axis, level)[stated.removeprefix("option:")]
    return stated


def near(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known name, else `;`; of equally near ones, what continues `name`."""
    names = sorted(known, key=lambda each: not each.startswith(name))
    likeness = {each: difflib.SequenceMatcher(None, name, each).ratio() for each in names}
    match = max(likeness, key=lambda each: likeness[each], default="")
    return f"; did you mean {match!r}?" if likeness.get(match, 0) >= 0.6 else ";"


def _check_option(level: str, option: Option, value: Any) -> Scalar:
    where = f"{level}.{option.name}"
    if value is None and option.default is None:
        return None
    if option.type == "bool" or option.type == "choice":
        accepted = (True, False) if option.type == "bool" else option.choices
        if not any(type(value) is type(choice) and value == choice for choice in accepted):
            listed = ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in accepted)
            raise CatalogueError(f"{where}: {value!r} is not accepted; one of {listed}")
        return value
    return _check_number(where, option, value)


def _check_number(where: str, option: Option, value: Any) -> Scalar:
    noun, kinds = ("an integer", (int,)) if option.type == "int" else ("a number", (int, float))
    if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value):
        raise CatalogueError(f"{where}: {value!r} is not {noun}")
    bounds = (
        ("of at least", option.minimum, lambda bound: value < bound),
        ("of at most", option.maximum, lambda bound: value > bound),
        ("above", option.above, lambda bound: value <= bound),
        ("below", option.below, lambda bound: value >= bound),
    )
    for wanted, bound, broken in bounds:
        if bound is not None and broken(bound):
            raise CatalogueError(f"{where}: {value!r} is out of range; {noun} {wanted} {bound:g} is needed")
    return float(value) if option.type == "float" else int(value)


register(*entries.ALL)
