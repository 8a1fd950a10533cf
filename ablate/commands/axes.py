"""`ablate axes`: the levels that exist, from the catalogue alone."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate import axes, plugins
from ablate.errors import RequestError
from lightning_modules import catalogue
from lightning_modules.level import LevelEntry, Option


def main(axis: str | None) -> int:
    """Print every axis with its levels, or one axis with definitions, sources and options."""
    plugins.load_installed()
    console = Console(highlight=False)
    if axis is None:
        for name in catalogue.axes():
            console.print(Text(f"{name:<20} {', '.join(catalogue.levels(name))}"), soft_wrap=True)
        _print_plain_axes(console)
        console.print("\nDefinition, source and options of one axis: ablate axes residual")
        return 0
    if not catalogue.levels(axis):
        plain = axes.plain_axes()
        if axis in plain:
            console.print(Text(f"{axis}: {plain[axis]}"), soft_wrap=True)
            return 0
        known = [*catalogue.axes(), *plain]
        raise RequestError(f"{axis!r} is not an axis{catalogue.near(axis, known)} axes: {', '.join(known)}")
    for number, entry in enumerate(catalogue.levels(axis).values()):
        if number:
            console.print()
        _print_level(console, entry)
    return 0


def _print_plain_axes(console: Console) -> None:
    console.print("\nAxes whose levels are plain values:")
    for name, accepted in axes.plain_axes().items():
        console.print(Text(f"{name:<20} {accepted}"), soft_wrap=True)


def _print_level(console: Console, entry: LevelEntry) -> None:
    console.print(Text(entry.name, style="bold"))
    console.print(Text(f"  {entry.equation}"), soft_wrap=True)
    console.print(Text(f"  source: {entry.source}"), soft_wrap=True)
    for option in entry.options:
        console.print(Text(f"  option {option.name}={_text(option.default)}: {_accepted(option)}"), soft_wrap=True)


def _accepted(option: Option) -> str:
    bounds = [
        f"{word} {value:g}"
        for word, value in (
            (">=", option.minimum),
            ("<=", option.maximum),
            (">", option.above),
            ("<", option.below),
        )
        if value is not None
    ]
    kind = "one of " + ", ".join(map(_text, option.choices)) if option.choices else option.type
    return ", ".join([kind, *bounds]) + (f"; {option.help}" if option.help else "")


def _text(value: object) -> str:
    if value is None:
        return "unset"
    return str(value).lower() if isinstance(value, bool) else str(value)
