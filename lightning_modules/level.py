"""What a level of an axis is, as plain data: no torch, no study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Scalar = bool | int | float | str | None
OptionType = Literal["bool", "int", "float", "choice"]


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a level: its type, its default and what it accepts.

    `minimum` and `maximum` are inclusive; `above` and `below` are exclusive bounds.
    An option whose default is None may be left unset.
    """

    name: str
    type: OptionType
    default: Scalar
    help: str = ""
    choices: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    below: float | None = None


@dataclass(frozen=True, slots=True)
class LevelEntry:
    """A catalogue entry: everything about one level that can be said without building it.

    Attributes:
        axis: the axis it belongs to, as in the study file (`residual`).
        name: its name there (`sew_add`).
        equation: the definition, in the symbols of the documentation.
        source: where the definition comes from.
        factory: dotted name of the class or function that builds it (`package.module:Name`).
        options: the options it takes, with defaults.
        facts: what constraints and the network ask of it (for instance `fixed_timesteps=True`), as plain values.
    """

    axis: str
    name: str
    equation: str
    source: str
    factory: str
    options: tuple[Option, ...] = ()
    facts: Mapping[str, Scalar] = field(default_factory=dict)

    def option(self, name: str) -> Option | None:
        return next((option for option in self.options if option.name == name), None)


@dataclass(frozen=True, slots=True)
class Level:
    """One level as chosen: a name with the options that differ from their defaults, sorted by name.

    Two spellings of the same choice are equal, print alike and hash alike.
    """

    name: str
    options: tuple[tuple[str, Scalar], ...] = ()

    def __str__(self) -> str:
        if not self.options:
            return self.name
        return f"{self.name}({','.join(f'{key}={_text(value)}' for key, value in self.options)})"

    def plain(self) -> str | dict[str, Any]:
        """The spelling used in study files: the name, or a mapping with `name` and the options."""
        return {"name": self.name, **dict(self.options)} if self.options else self.name


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
