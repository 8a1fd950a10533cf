"""Titles of cards as headings, and the names that links inside a page use."""

from __future__ import annotations

import re
from collections.abc import Iterable

RUNS = "runs"
"""The name that the list of runs has on the page."""


def heading(title: str) -> tuple[str, str]:
    """A title and what it says in brackets at its end: `("residual", "one-factor around sresnet; 5 seed blocks")`."""
    name, opened, rest = title.partition(" (")
    return (name, rest[:-1]) if opened and rest.endswith(")") else (title, "")


def anchors(keys: Iterable[str]) -> list[str]:
    """A name for each key that an address can end in: the key where it is made of plain characters; none twice."""
    made = [RUNS]
    for key in keys:
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", key).strip("-") or "section"
        number = 1
        while (name := plain if number == 1 else f"{plain}-{number}") in made:
            number += 1
        made.append(name)
    return made[1:]
