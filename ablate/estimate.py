"""How long a run will take, before any has run: a count of operations, without building a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import mean
from typing import Any

from ablate.design import Cell, PlannedRun
from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data.events import sources

# Measured on two cores of a server CPU of 2025, one thread a worker, kernels compiled. Good to a factor of two or three
# elsewhere, which is what a person needs to choose between a coffee and a night; the first runs replace it by a
# measurement.
SECONDS_A_MAC = 1.5e-11
SECONDS_A_LAYER_STEP = 1e-4
SECONDS_A_RUN = 0.5

_BACKWARD = 2.0  # a backward pass costs about two forward passes
_UNKNOWN_SIZE = 50_000


def seconds_a_run(cells: Sequence[Cell]) -> float:
    """Mean over cells."""
    return mean(_cell_seconds(cell.config) for cell in cells)


def longest_first(runs: Sequence[PlannedRun]) -> list[PlannedRun]:
    """Runs that take longer first, else in their order: a long one at the end would leave the other workers idle."""
    expected = {run.cell.cell_id: run.cell.config for run in runs}
    seconds = {cell_id: _cell_seconds(config) for cell_id, config in expected.items()}
    return sorted(runs, key=lambda run: -seconds[run.cell.cell_id])


def _cell_seconds(config: Mapping[str, Any]) -> float:
    choices = DataChoices.model_validate(config["data"])
    facts = data.describe(choices)
    model, epochs = config["model"], config["training"]["epochs"]
    train, validation, test = known_sizes(choices, facts) or (_UNKNOWN_SIZE, 0, 0)
    if config["protocol"] == "paper_compat":
        validation = test
    batches = math.ceil(train / config["data"]["batch_size"])
    layers = 6 * model["depth"] + 2
    dispatch = batches * layers * model["timesteps"] * SECONDS_A_LAYER_STEP
    # At the end test is evaluated once, and validation twice more, for energy and diagnostics.
    passes = epochs * (train * (1 + _BACKWARD) + validation) + 2 * validation + test
    shape = facts.shape
    if facts.kind == "events":
        # Frames are resized, and the stem's stride is 2.
        side = math.ceil(model["frame_size"] / 2)
        shape = (shape[0], side, side)
    arithmetic = passes * model["timesteps"] * _macs(model, shape) * SECONDS_A_MAC
    return SECONDS_A_RUN + epochs * dispatch + arithmetic


def known_sizes(choices: DataChoices, facts: data.DatasetFacts) -> tuple[int, int, int] | None:
    """Samples in training, validation and test: those listed, else those whose recordings lie here, else None."""
    if facts.train is not None:
        return facts.train, facts.validation or 0, facts.test or 0
    return _listed(choices.name, choices.split, choices.root)


@lru_cache(maxsize=8)
def _listed(name: str, split: str | None, root: str | None) -> tuple[int, int, int] | None:
    """Sizes of the parts of recordings that lie here, by their names; None where there are none or a packed archive."""
    entry = data.entry(name)
    if entry.recordings is None or not sources.at_hand(entry, root):
        return None
    try:
        cut = data.recordings(DataChoices(name=name, split=split, root=root)).split
    except (ValueError, OSError):
        return None
    return len(cut.train), len(cut.validation), len(cut.test)


def _macs(model: Mapping[str, Any], shape: tuple[int, int, int]) -> float:
    """Multiply-accumulates of one sample at one timestep: the 3x3 convolutions of stem and stages."""
    channels, height, width = shape
    area, planes = height * width, model["width"]
    total = 9.0 * channels * planes * area
    inputs = planes
    for stage in range(3):
        outputs = planes * 2**stage
        area_here = area / 4**stage
        total += 9 * area_here * outputs * (inputs + (2 * model["depth"] - 1) * outputs)
        inputs = outputs
    return total
