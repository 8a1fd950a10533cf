"""The list of runs as the page carries it, once and compactly, and how its tables refer to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from markupsafe import Markup

from reports.render.escaping import visible
from reports.run_list import RunList


class RunData:
    """The runs of a page by number.

    Args:
        listed: the runs, numbered from 0 in their order.
    """

    def __init__(self, listed: RunList) -> None:
        self._listed = listed
        self._number = {run.run_id: number for number, run in enumerate(listed.runs)}

    def json(self) -> Markup:
        """The list for a `<script type="application/json">`: no character in it ends that element.

        `{"address", "hint", "cells", "outcomes", "runs": [[id, cell, seed, outcome, accuracy, W&B id]]}`, where a cell
        and an outcome are numbers of their lists.
        """
        cells, outcomes = _Numbered(), _Numbered()
        runs = [
            [visible(run.run_id), cells(run.cell), run.seed, outcomes(run.outcome), run.test_accuracy, run.wandb_run]
            for run in self._listed.runs
        ]
        content = {
            "address": self._listed.address, "hint": visible(self._listed.hint),
            "cells": cells.texts, "outcomes": outcomes.texts, "runs": runs,
        }  # fmt: skip
        return Markup(json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"))

    def numbers(self, run_ids: Iterable[str]) -> str:
        """The numbers of some runs as ranges: `0-4 10 15-19`; runs that are not listed are left out."""
        found = sorted({self._number[each] for each in run_ids if each in self._number})
        return " ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in _ranges(found))


class _Numbered:
    """Texts in the order they were first asked for."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self._at.setdefault(visible(text), len(self._at))

    @property
    def texts(self) -> list[str]:
        return list(self._at)


def _ranges(numbers: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            yield numbers[start], numbers[at - 1]
            start = at
