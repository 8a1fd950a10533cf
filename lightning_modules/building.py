"""From a catalogue entry to a module: the one way in which levels are built."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lightning_modules import catalogue
from lightning_modules.catalogue import CatalogueError
from lightning_modules.level import Level


def create(axis: str, level: str | Level | Mapping[str, Any], **arguments: Any) -> Any:
    """Build one level of an axis.

    Args:
        axis: the axis, as in a study file (`normalization`).
        level: the level's name, or a `Level` or mapping that also sets options.
        **arguments: options of the level, checked against the catalogue, and structural arguments
            (`channels`, `timesteps`, ...), passed to the level's factory as they are.

    Returns:
        What the factory makes: a module that works on time-first tensors for the axes of a network,
        a plain callable for others (initialisation).

    Raises:
        CatalogueError: for an unknown level, option or argument, an option out of range, or a missing argument.
    """
    entry = catalogue.entry(axis, catalogue.resolve(axis, level).name)
    chosen = dict(catalogue.resolve(axis, level).options)
    structural: dict[str, Any] = {}
    for name, value in arguments.items():
        (structural if entry.option(name) is None else chosen)[name] = value
    resolved = catalogue.resolve(axis, {"name": entry.name, **chosen})
    factory = load(entry.factory)
    _check_arguments(f"{axis} {entry.name}", factory, structural, [option.name for option in entry.options])
    return factory(**catalogue.options(axis, resolved), **structural)


def load(dotted: str) -> Callable[..., Any]:
    """The object that `package.module:Name` names."""
    module, _, name = dotted.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _check_arguments(what: str, factory: Callable[..., Any], given: Mapping[str, Any], options: list[str]) -> None:
    parameters = _parameters(factory)
    structural = [name for name in parameters if name not in options]
    for name in given:
        if name not in parameters:
            accepted = ", ".join([*options, *structural]) or "nothing"
            raise CatalogueError(
                f"{name!r} is not an argument of {what}{catalogue.near(name, parameters)} it takes: {accepted}"
            )
    missing = [name for name in structural if parameters[name].default is inspect.Parameter.empty and name not in given]
    if missing:
        raise CatalogueError(f"{what} cannot be built without {', '.join(missing)}")


def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Named parameters of a factory, with the optional ones of the base classes that `**common` hands on to."""
    makers = [factory]
    if inspect.isclass(factory):
        makers = [vars(cls)["__init__"] for cls in factory.__mro__ if "__init__" in vars(cls)]
    found: dict[str, inspect.Parameter] = {}
    for maker in makers:
        parameters = inspect.signature(maker).parameters
        for name, parameter in parameters.items():
            named = parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD) and name != "self"
            if named and (maker is makers[0] or parameter.default is not parameter.empty):
                found.setdefault(name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            break
    return found
