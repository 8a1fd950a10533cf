"""The columns of `runs.csv`, `curves.csv`, `layers.csv` and `effects.csv`, and the kind of each."""

from __future__ import annotations

from typing import Literal

Kind = Literal["text", "int", "float"]

RUN_IDENTITY: dict[str, Kind] = {
    "run_id": "text", "cell_id": "text", "cell": "text", "seed": "int",
    "status": "text", "reason": "text", "attempts": "int",
}  # fmt: skip
RUN_METRICS: dict[str, Kind] = {
    "val_accuracy": "float", "test_accuracy": "float", "val_loss": "float", "best_epoch": "int", "epochs": "int",
    "parameters": "int", "firing_rate": "float", "synops": "float", "macs": "float", "acs": "float",
    "energy_nj": "float", "train_seconds": "float", "peak_memory_mb": "float",
    "commit": "text", "data_fingerprint": "text", "device": "text", "backend": "text",
}  # fmt: skip
CURVES: dict[str, Kind] = {"run_id": "text", "epoch": "int", "split": "text", "metric": "text", "value": "float"}
LAYERS: dict[str, Kind] = {
    "run_id": "text", "layer": "text", "firing_rate": "float", "synops": "float", "macs": "float", "acs": "float",
}  # fmt: skip
EFFECTS: tuple[str, ...] = (
    "axis", "level", "reference", "metric", "cells_matched", "cells_planned", "seeds", "difference", "ci_low",
    "ci_high", "ci_method", "ci_adj_low", "ci_adj_high", "p_value", "p_adjusted", "family_size", "effect_size",
    "probability_of_improvement", "verdict", "reason",
)  # fmt: skip
ORIGIN = ("commit", "data_fingerprint", "device", "backend")
"""Columns of `runs.csv` that come from a run's provenance."""
WANDB_RUN = "wandb_run"
"""The column with the W&B id of a run, where runs are tracked."""
CHOSEN = "tuned"
"""The column with what tuning chose, where there was tuning."""
STACKED = "stacked"
"""The column with the number of seeds that a run was trained at once with, itself among them, where it was."""
STATUSES = ("complete", "failed", "pruned", "excluded", "missing", "running")
OPEN = ("missing", "running")
"""The statuses of runs that are planned and have not ended."""


def run_columns(axes: tuple[str, ...]) -> dict[str, Kind]:
    """Columns of `runs.csv` in their order for a study with these axes."""
    return {**RUN_IDENTITY, **dict.fromkeys(axes, "text"), **RUN_METRICS}


def curve(name: str) -> tuple[str, str]:
    """Split and metric of `curves.csv` for a logged name: `val_loss` is (val, loss)."""
    split, _, metric = name.partition("_")
    if split in ("train", "val"):
        return split, metric
    return ("val" if name.startswith("firing_rate") else "train"), name
