"""Seeds trained at once against seeds trained one by one: steps, operations, whole runs; stacks of 1, 2, 5 and 10.

Stack and single step take turns in one process; the figures are processor seconds a seed, the least of the rounds
(`OMP_NUM_THREADS` decides how many threads work). `quickstart` is the network of that study; `dispatch` is the same on
two images of 4 x 4, where arithmetic takes next to no time and what remains is what every operation costs, as on a
large GPU. Operations are those that a device would be given: no views, no allocations. Run with
`pytest tests/benchmarks/test_stacked.py -s`; `STACKED_ROUNDS` sets the rounds, `STACKED_EPOCHS` the epochs of a run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ablate import config, design, stacks, trial
from ablate.engines.base import execute, recorded
from ablate.records import RunSpec
from lightning_modules.choices import ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.stacking import StackedClassifier

SEEDS = (1, 2, 5, 10)
SIZES = {"quickstart": (64, 8), "dispatch": (2, 4)}
ROUNDS = int(os.environ.get("STACKED_ROUNDS", "5"))
EPOCHS = int(os.environ.get("STACKED_EPOCHS", "2"))


def members(count: int) -> list[SpikingClassifier]:
    model = ModelChoices.model_validate({"depth": 1, "width": 8, "timesteps": 4})
    training = TrainingChoices.model_validate({"lr": 0.05})
    return [SpikingClassifier(model, training, in_channels=1, classes=10, seed=seed) for seed in range(count)]


def step(classifier: Any, batch: Any) -> Callable[[], None]:
    optimizer = classifier.configure_optimizers()["optimizer"]

    def do() -> None:
        optimizer.zero_grad()
        classifier.training_step(batch, 0).backward()
        optimizer.step()

    return do


def steps(count: int, batch: int, side: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """A step of a stack of `count` seeds, and of one of them."""
    drawn = [(torch.rand(batch, 1, side, side), torch.randint(0, 10, (batch,)), torch.arange(batch))] * count
    return step(StackedClassifier(members(count)), drawn), step(members(1)[0], drawn[0])


class Operations(TorchDispatchMode):
    """Counts what a device is given."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not (func.is_view or "empty" in func.__name__ or "detach" in func.__name__)
        return func(*args, **(kwargs or {}))


def operations(do: Callable[[], None]) -> int:
    do()
    with Operations() as counted:
        do()
    return counted.count


@pytest.mark.parametrize("name", SIZES)
def test_steps(name: str) -> None:
    torch.manual_seed(0)
    print(f"\n{name}: {torch.get_num_threads()} threads, {ROUNDS} rounds")
    for count in SEEDS:
        stacked, single = steps(count, *SIZES[name])
        least = {stacked: float("inf"), single: float("inf")}
        ops = operations(stacked), operations(single)
        for _ in range(ROUNDS):
            for do in least:
                began = time.process_time()
                for _ in range(4):
                    do()
                least[do] = min(least[do], (time.process_time() - began) / 4)
        each, alone = least[stacked] / count, least[single]
        print(
            f"{count:3} seeds {1000 * each:8.2f} ms a seed, single {1000 * alone:8.2f} ms, gain {alone / each:5.2f}; "
            f"operations {ops[0]} for all, single {ops[1]}, gain {count * ops[1] / ops[0]:5.2f}"
        )
        assert ops[0] < 2 * ops[1] + 40 * count


def specs(folder: Path, count: int) -> list[RunSpec]:
    study = config.load("quickstart", [f"training.epochs={EPOCHS}"])
    cell = design.plan(study).cells[0]
    made = []
    for seed in range(count):
        directory = folder / str(seed)
        directory.mkdir(parents=True)
        made.append(
            RunSpec(
                study.name, "u", "main", cell.run_id(seed), cell.cell_id, cell.label, seed, 0, f"t{seed}",
                str(directory),
                dict(cell.levels), [], dict(cell.config),
                {"accelerator": "cpu", "objective": study.objective.pursued()},
                {"mode": "disabled", "directory": str(folder)},
            )
        )  # fmt: skip
    return made


def _spent(runs: Sequence[RunSpec]) -> float:
    began = time.process_time()
    for each in runs:
        assert execute("ablate.trial:run", each).status == "complete"
    return time.process_time() - began


def test_runs(tmp_path: Path) -> None:
    trial.run(specs(tmp_path / "warm", 1)[0])
    print(f"\nwhole runs of the quickstart's baseline, {EPOCHS} epochs; {torch.get_num_threads()} threads")
    single = min(_spent(specs(tmp_path / f"single{n}", 1)) for n in range(3))
    for count in SEEDS:
        runs = specs(tmp_path / f"stack{count}", count)
        each = _spent([stacks.together(runs)]) / count
        assert all(recorded(run) is not None for run in runs)
        print(
            f"{count:3} seeds {each:6.2f} s a run ({1 / each:.2f} runs/s), "
            f"single {single:.2f} s ({1 / single:.2f} runs/s), gain {single / each:.2f}"
        )
