"""The filters of `Api().runs`: MongoDB's language, as far as it is used."""

from __future__ import annotations

from typing import Any

from wandb_double.store import StoredRun

_FIELDS = {"jobType": "jobType", "group": "groupName", "display_name": "displayName"}


def matches(run: StoredRun, condition: dict[str, Any]) -> bool:
    """Whether a run meets every entry of a condition."""
    return all(_entry(run, key, wanted) for key, wanted in condition.items())


def _entry(run: StoredRun, key: str, wanted: Any) -> bool:
    if key == "$and":
        return all(matches(run, each) for each in wanted)
    if key == "$or":
        return any(matches(run, each) for each in wanted)
    present = _value(run, key)
    if isinstance(wanted, dict):
        ((operator, operand),) = wanted.items()
        return {
            "$in": lambda: present in operand,
            "$ne": lambda: present != operand,
            "$eq": lambda: present == operand,
        }[operator]()
    return bool(present == wanted)


def _value(run: StoredRun, key: str) -> Any:
    section, _, name = key.partition(".")
    if section == "config":
        return run.config.get(name.removesuffix(".value"))
    if section == "summary_metrics":
        return run.summary.get(name)
    if key == "name":
        return run.name
    if key in _FIELDS:
        return run.fields.get(_FIELDS[key])
    raise KeyError(f"the double knows no filter on {key}")
