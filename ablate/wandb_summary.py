"""What a W&B run says of a run of the study. Pure functions: what training logs, `sync` compares and mends alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ablate.records import RunRecord


def summary_of(record: RunRecord, *, attempts: int) -> dict[str, Any]:
    """The summary of a run that ended: its columns of `runs.csv`, and per-sample correctness.

    Args:
        record: how its deciding attempt ended.
        attempts: attempts begun.
    """
    metrics = {name: value for name, value in record.metrics.items() if value is not None}
    origin = {name: value for name, value in record.origin.items() if value}
    outcome = {"status": record.status, "reason": record.reason, "attempts": attempts}
    # The summary also holds the last epoch of every curve: `columns` says which entries are the record's, and of what
    # type, since a whole float comes back as an integer.
    columns = {name: type(value).__name__ for name, value in sorted(record.metrics.items())}
    return metrics | origin | outcome | {"columns": columns, "correct": record.correct}


def rows_of(record: RunRecord) -> list[dict[str, Any]]:
    """The history of a run from its curves: one row an epoch."""
    rows: dict[int, dict[str, Any]] = {}
    for epoch, split, metric, value in record.curves:
        name = metric if metric.startswith("firing_rate") else f"{split}_{metric}"
        rows.setdefault(epoch, {"epoch": epoch})[name] = value
    return [rows[epoch] for epoch in sorted(rows)]


def table_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """`columns` and `data` of a W&B table of rows that need not have the same columns."""
    kept = list(rows)
    columns = list(dict.fromkeys(name for row in kept for name in row))
    return {"columns": columns, "data": [[row.get(name) for name in columns] for row in kept]}


def difference(expected: Mapping[str, Any], present: Mapping[str, Any]) -> str | None:
    """The first entry in which a W&B summary is not what the ledger expects, in words; None if there is none."""
    for name, value in expected.items():
        found = present.get(name)
        if not _same(value, found):
            return f"{name} is {_text(found)}, the ledger says {_text(value)}"
    return None


def _same(expected: Any, found: Any) -> bool:
    if isinstance(expected, float) and expected != expected:
        return found == "NaN" or found != found
    if isinstance(expected, Mapping):
        return hasattr(found, "keys") and dict(found) == dict(expected)
    return bool(found == expected)


def _text(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
