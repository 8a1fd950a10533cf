"""What makes two cells the same experiment: a hash over the declared identity fields, defaults left out."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ablate.config import EXECUTION, SECTIONS, Baseline


def cell_id(cell: Baseline, *, dataset: str) -> str:
    """The identity of a cell: 12 hexadecimal digits.

    Args:
        cell: the full assignment.
        dataset: name and version of data set and split (`digits-1/digits-v1`).

    Fields at their default are left out, so that a new field with a default changes no existing hash.
    """
    content = {"protocol": cell.protocol, "dataset": dataset} | {
        section: _identity_fields(section, getattr(cell, section)) for section in SECTIONS
    }
    return digest(content)[:12]


def digest(content: Any) -> str:
    """SHA-256 of plain data in its one canonical JSON form."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _identity_fields(section: str, choices: Any) -> dict[str, Any]:
    chosen = choices.model_dump(mode="json", exclude_defaults=True)
    # Name and split of the data enter by their versions, through `dataset`.
    left_out = {"data.name", "data.split"} | EXECUTION
    return {field: value for field, value in chosen.items() if f"{section}.{field}" not in left_out}
