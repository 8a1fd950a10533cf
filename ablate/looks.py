"""The record of every report that showed effects: `looks.json` in the study directory.

Whoever looks at effects while a study grows may stop when he likes what he sees; the guide counts the looks because of
that (`reports.looks`). Written before the report that shows them.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from ablate.errors import StudyError
from ablate.files import write_atomically
from ablate.sections import LookScheme
from reports.counting_looks import Made, with_this_look
from reports.looks import Look
from reports.results import StudyResults

_FILE = "looks.json"


def recorded(folder: Path, results: StudyResults, scheme: LookScheme | None) -> StudyResults:
    """The results with all looks at them, the one that is about to be shown included and put on record.

    Args:
        folder: the study directory.
        results: what the report is made of.
        scheme: the looks that the study file declares.

    Raises:
        StudyError: if the record of earlier looks is damaged.
    """
    with _exclusively(folder):
        made, shown = _read(folder / _FILE)
        now, now_shown = with_this_look(results, made, shown)
        if now != made or now_shown != shown:
            text = json.dumps({"made": now, "shown": sorted(now_shown)}, sort_keys=True, indent=1)
            write_atomically(folder / _FILE, text + "\n")
    declared = scheme.model_dump(mode="json") if scheme else None
    return replace(results, study={**results.study, "looks": {"scheme": declared, "made": now}})


def _read(path: Path) -> tuple[Made, frozenset[str]]:
    if not path.is_file():
        return {}, frozenset()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        made = {axis: [asdict(Look(**each)) for each in looks] for axis, looks in content["made"].items()}
        if not isinstance(content["shown"], list):
            raise TypeError("shown: not a list of runs")
        return made, frozenset(content["shown"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StudyError(
            f"{path}: damaged; it counts how often effects were looked at. Restore it, or delete it and "
            "say so with the results"
        ) from error


@contextmanager
def _exclusively(folder: Path) -> Iterator[None]:
    """Two reports at once count one after the other; the kernel lets go when a process is killed."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
