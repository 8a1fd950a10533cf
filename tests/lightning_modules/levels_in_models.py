"""Every level in a model that it can be part of, for tests that go through all of them."""

from __future__ import annotations

from typing import Any

from lightning_modules.level import LevelEntry

AXES = ("residual", "shortcut", "encoding", "normalization", "neuron", "surrogate", "readout")
"""The axes of a model."""


def model_with(entry: LevelEntry) -> dict[str, Any]:
    """The choices of a model with this level, beside sizes."""
    model: dict[str, Any] = {entry.axis: entry.name}
    if entry.name == "relu":
        model["timesteps"] = 1
    if entry.axis == "shortcut":
        model["residual"] = "ms" if entry.name == "sn_conv_norm" else "sresnet"
    if entry.name == "group":
        model["normalization"] = {"name": "group", "groups": 2}
    return model
