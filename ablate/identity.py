"""What makes two cells the same experiment: a hash over the declared identity fields, defaults left out."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ablate.baseline import SECTIONS, Baseline

# Each field of a cell is declared here as part of what an experiment *is*, or only of where and how fast it runs.
# A test holds the declarations against the sections, so that a new field cannot slip in undeclared.
EXECUTION = frozenset({"data.root", "training.checkpoint_activations", "training.stack_seeds"})
_IDENTITY = {
    "data": (
        "name", "split", "subset", "resolution", "frame_order", "augment", "mix", "batch_size",
    ),
    "model": (
        "depth", "width", "match_parameters", "timesteps", "residual", "shortcut", "zero_init_residual", "encoding",
        "normalization", "neuron", "leak", "threshold", "reset", "detach_reset", "fire", "scale", "surrogate",
        "readout", "initialization", "frame_size",
    ),
    "training": (
        "epochs", "optimizer", "lr", "weight_decay", "schedule", "loss", "label_smoothing", "rate_weight",
        "precision", "recalibrate",
    ),
}  # fmt: skip
IDENTITY = frozenset(f"{section}.{field}" for section, fields in _IDENTITY.items() for field in fields)


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
