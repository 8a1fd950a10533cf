"""Runs on different data never meet in one table: which data a study saw, and whether those here are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ablate.attempts import RunState
from ablate.baseline import Baseline
from ablate.errors import RequestError
from ablate.records import RunRecord
from lightning_modules import data


def fingerprint_of(records: Iterable[RunRecord]) -> str | None:
    """The data that most of these complete runs saw, the first of equally frequent ones; None where none says."""
    seen = Counter(found for each in records if (found := each.provenance.get("data_fingerprint")))
    return seen.most_common(1)[0][0] if seen else None


def strays(record: RunRecord, fingerprint: str | None) -> str | None:
    """Why a complete run is left out of a study whose runs saw the data `fingerprint`; None if it is not."""
    found = record.provenance.get("data_fingerprint")
    if not found or not fingerprint or found == fingerprint:
        return None
    return f"ran on other data ({found[:12]}) than the study ({fingerprint[:12]}): its numbers are left out"


def require(baseline: Baseline, states: Iterable[RunState], *, where: str) -> None:
    """See that the data here are those that the complete runs of a study saw. Reads the data set once.

    Raises:
        RequestError: if they are others.
        ValueError, OSError: if they cannot be read.
    """
    expected = fingerprint_of(state.summary for state in states if state.status == "complete" and state.summary)
    if expected is None:
        return
    found = data.fingerprint(baseline.data)
    if found != expected:
        raise RequestError(
            f"{where}: its runs saw other data of {baseline.data.name} ({expected[:12]}) than lie here ({found[:12]}), "
            "and such runs never meet in one table; run beside them (--branch NAME), or into another directory (--dir)"
        )
