"""Synthetic studies of up to 10,000 complete runs as they are found on disk: what a guide is timed with."""

from __future__ import annotations

import base64
from itertools import product
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd

from reports.results import StudyResults

SEEDS, EPOCHS, LAYERS, TEST_SAMPLES = 10, 30, 20, 10_000
# Levels of each axis, by the number of runs.
FACTORIAL = {100: (5, 2), 1_000: (5, 5, 2, 2), 10_000: (10, 5, 5, 2, 2)}
ONE_FACTOR_AXES = 9


def write(directory: Path, design: str, runs: int) -> None:
    """Write the four files of a study: curves, layers and one bit a test sample for every run.

    Args:
        directory: where they go.
        design: `one_factor`, `factorial` or `search`.
        runs: how many, 10 seeds a cell (2 in a search).
    """
    random = np.random.default_rng(runs)
    seeds = range(2 if design == "search" else SEEDS)
    axes, assigned = _cells(design, runs // len(seeds))
    baseline = {axis: levels[0] for axis, levels in axes.items()}
    cells = []
    for at, levels in enumerate(assigned):
        varied = [axis for axis in axes if levels[axis] != baseline[axis]]
        name = " ".join(f"{axis}={levels[axis]}" for axis in varied) or "baseline"
        cells.append({"cell_id": f"cell{at:05}", "cell": name, "levels": levels, "varied": varied})
    identity = [(cell, seed, f"{cell['cell_id']}-{seed}") for cell in cells for seed in seeds]
    run_ids = np.array([run_id for _, _, run_id in identity])
    bits = _bits(random, len(cells), len(seeds))
    accuracy = np.array([np.unpackbits(each, count=TEST_SAMPLES).mean() for each in bits])
    frame = pd.DataFrame({
        "run_id": run_ids, "cell_id": [cell["cell_id"] for cell, _, _ in identity],
        "cell": [cell["cell"] for cell, _, _ in identity], "seed": [seed for _, seed, _ in identity],
        "status": "complete", "reason": "", "attempts": 1,
        **{axis: [cell["levels"][axis] for cell, _, _ in identity] for axis in axes},
        "test_accuracy": accuracy, "val_accuracy": accuracy + random.normal(0, 0.01, len(run_ids)),
        "val_loss": random.random(len(run_ids)), "best_epoch": EPOCHS - 1, "epochs": EPOCHS, "parameters": 20_000,
        **{name: random.random(len(run_ids)) * 1e5 for name in ("synops", "macs", "acs", "energy_nj")},
        "firing_rate": random.random(len(run_ids)), "train_seconds": random.random(len(run_ids)) * 60,
        "commit": "abc123", "data_fingerprint": "f00d", "device": "cpu", "backend": "eager",
    })  # fmt: skip
    study = {
        "name": "large", "uid": "u1", "branch": "main", "design": design, "protocol": "sound", "seeds": list(seeds),
        "baseline": baseline, "cells": cells, "tuned": False,
        "axes": [{"name": axis, "path": f"model.{axis}", "levels": list(levels), "reference": levels[0]}
                 for axis, levels in axes.items()],
        "objective": {"metric": "val_accuracy", "direction": "maximize", "margin": 0.01},
        "data": {"name": "synthetic", "version": "1", "split": "a", "classes": 10, "train": 40_000,
                 "validation": 10_000, "test": TEST_SAMPLES},
        "command": "ablate run large", "file": "name: large\n",
        **({"search": _SEARCH | {"trials": len(cells)}} if design == "search" else {}),
    }  # fmt: skip
    correct = {run_id: base64.b64encode(each.tobytes()).decode() for run_id, each in zip(run_ids, bits, strict=True)}
    StudyResults(
        study, frame, _curves(random, run_ids), _layers(random, run_ids), [], correct, {"commit": "abc123"}
    ).write(directory)  # fmt: skip


_SEARCH = {"sampler": "random", "pruner": "none", "constraints": {},
           "objectives": [{"metric": "val_accuracy", "direction": "maximize", "margin": None},
                          {"metric": "energy_nj", "direction": "minimize", "margin": None}]}  # fmt: skip


def _cells(design: str, count: int) -> tuple[dict[str, list[str]], list[dict[str, str]]]:
    if design == "one_factor":
        names = [f"axis{at}" for at in range(min(ONE_FACTOR_AXES, count - 1))]
        levels = {name: ["reference"] for name in names}
        for at in range(count - 1):
            levels[names[at % len(names)]].append(f"level{at // len(names)}")
        around = dict.fromkeys(names, "reference")
        return levels, [around, *({**around, name: level} for name in names for level in levels[name][1:])]
    sizes = FACTORIAL[count * SEEDS] if design == "factorial" else (count,)
    assert design == "search" or prod(sizes) == count
    if design == "search":
        levels = {"width": [str(at) for at in range(16, 16 + count)], "neuron": ["lif", "if"]}
        return levels, [{"width": width, "neuron": "lif"} for width in levels["width"]]
    levels = {f"axis{at}": [f"level{each}" for each in range(size)] for at, size in enumerate(sizes)}
    return levels, [dict(zip(levels, each, strict=True)) for each in product(*levels.values())]


def _bits(random: np.random.Generator, cells: int, seeds: int) -> np.ndarray:
    """Packed correctness `[runs, bytes]`: samples differ in difficulty, cells in skill, runs by chance."""
    easy = random.normal(1, 1.5, TEST_SAMPLES)
    rows = []
    for cell in random.normal(0, 0.2, cells):
        chance = 1 / (1 + np.exp(-(easy + cell)))
        rows += [np.packbits(random.random(TEST_SAMPLES) < chance) for _ in range(seeds)]
    return np.stack(rows)


def _curves(random: np.random.Generator, run_ids: np.ndarray) -> pd.DataFrame:
    kinds = (("val", "accuracy"), ("val", "loss"), ("train", "loss"))
    each = EPOCHS * len(kinds)
    return pd.DataFrame({
        "run_id": np.repeat(run_ids, each),
        "epoch": np.tile(np.repeat(np.arange(EPOCHS), len(kinds)), len(run_ids)),
        "split": np.tile([split for split, _ in kinds], len(run_ids) * EPOCHS),
        "metric": np.tile([metric for _, metric in kinds], len(run_ids) * EPOCHS),
        "value": random.random(each * len(run_ids)),
    })  # fmt: skip


def _layers(random: np.random.Generator, run_ids: np.ndarray) -> pd.DataFrame:
    count = LAYERS * len(run_ids)
    return pd.DataFrame({
        "run_id": np.repeat(run_ids, LAYERS),
        "layer": np.tile([f"stage{at // 4}.block{at % 4}.neuron" for at in range(LAYERS)], len(run_ids)),
        **{name: random.random(count) for name in ("firing_rate", "synops", "macs", "acs", "silent")},
    })  # fmt: skip
