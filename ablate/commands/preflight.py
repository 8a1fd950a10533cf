"""The preflight of `ablate run`: when it is worth its time, and what it says."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ablate import estimate, lock, preflight
from ablate.display import duration
from ablate.errors import StudyError
from ablate.preflight import Checked
from ablate.workflow import Prepared

# Workers need some seconds to start; a study that is over in minutes finds out by itself.
_WORTH_SECONDS = 600.0


def examine(console: Console, prepared: Prepared, *, wanted: bool | None) -> None:
    """Try every cell of which nothing is known yet, if the study is long, or in any case if it is `wanted`.

    Raises:
        StudyError: if a cell cannot run; nothing was written.
    """
    cells = [] if wanted is False else preflight.fresh_cells(prepared)
    if not cells or lock.owner(prepared.directory.path) is not None:
        return
    seeds, at_once = len(prepared.plan.seeds), prepared.placement.at_once or 1
    if wanted is None and estimate.seconds_a_run(cells) * len(cells) * seeds / at_once < _WORTH_SECONDS:
        return
    began = time.monotonic()
    found = preflight.check(prepared, cells)
    if lost := [each for each in found if each.reason]:
        for each in lost:
            console.print(Text(f"  {each.cell}: {each.reason}"), soft_wrap=True)
        raise StudyError(_refusal(lost, len(found)))
    console.print(Text(_summary(found, time.monotonic() - began, seeds, at_once)), soft_wrap=True)
    console.print()


def _refusal(lost: Sequence[Checked], cells: int) -> str:
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"preflight: {len(lost)} of {cells} cells cannot run: {lost[0].cell}: {lost[0].reason}{more}; nothing was "
        "started (--no-preflight starts in any case)"
    )


def _summary(found: Sequence[Checked], took: float, seeds: int, at_once: int) -> str:
    seconds = [each.seconds or 0.0 for each in found]
    parts = [f"Preflight: {len(found)} cell{'s' if len(found) > 1 else ''} can run ({duration(took)})"]
    if measured := [each for each in found if each.megabytes is not None]:
        most = max(measured, key=lambda each: each.megabytes or 0.0)
        parts.append(f"at most {most.megabytes:,.0f} MB a run ({most.cell})")
    total = sum(seconds) * seeds / at_once
    workers = f"{at_once} worker{'s' if at_once > 1 else ''}"
    parts.append(f"about {duration(total)} with {workers} (measured: {sum(seconds) / len(seconds):.3g} s a run)")
    return "; ".join(parts)
