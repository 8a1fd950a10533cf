"""Levels from outside: modules that a study names, and packages that announce themselves by an entry point.

A plug-in is code that the user chose himself. Importing it registers its levels with
`lightning_modules.catalogue.register`; it is imported only to validate, list or run a study.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points

from ablate.errors import RequestError

GROUP = "ablate.levels"


def load_installed() -> None:
    """Import the plug-ins of installed packages (entry points of the group `ablate.levels`).

    Raises:
        RequestError: if one cannot be imported; the message names its package.
    """
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:
            package = point.dist.name if point.dist else point.value
            raise RequestError(f"plug-in {point.name!r} of {package}: {_first_line(error)}") from error


def load(names: Sequence[str], folders: Sequence[str]) -> None:
    """Import the modules that a study names; besides installed ones, those in `folders` are found.

    Raises:
        RequestError: if a name is no module name or its import fails.
    """
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            raise RequestError(f"plugins: {name!r} is not a module name")
        with _on_path(folders):
            try:
                importlib.import_module(name)
            except (Exception, SystemExit) as error:  # the latter of a script that reads a command line of its own
                raise RequestError(f"plugins: {name!r} cannot be imported: {_first_line(error)}") from error


@contextmanager
def _on_path(folders: Sequence[str]) -> Iterator[None]:
    added = [folder for folder in folders if folder not in sys.path]
    sys.path[:0] = added
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
