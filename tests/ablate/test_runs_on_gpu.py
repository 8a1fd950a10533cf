"""Whole runs on a CUDA GPU: what they promise on the CPU holds there too, with either back end. `pytest -m gpu`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_stacks import trained
from test_trial import kill_after_epoch, measured, spec
from torch import Tensor

from ablate import trial
from ablate.records import RunRecord, RunSpec

DEVICE = "cuda"
BACKENDS = ["eager", "triton"]
WIDE = ["model.width=16", "model.timesteps=12"]
pytestmark = [pytest.mark.gpu, pytest.mark.timeout(1200)]


def placed(directory: Path, *overrides: str, backend: str = "eager", seed: int = 0) -> RunSpec:
    made = spec(directory, *WIDE, *overrides, seed=seed)
    return replace(made, execution=made.execution | {"accelerator": DEVICE, "backend": backend}, token=f"token{seed}")


def told(record: RunRecord) -> tuple[Any, ...]:
    return record.status, record.reason, measured(record), record.curves, record.correct, record.layers


def weights(of: RunSpec) -> dict[str, Tensor]:
    stored = torch.load(Path(of.directory) / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)
    return dict(stored["state_dict"])


def curve(record: RunRecord, split: str, metric: str) -> Iterator[float]:
    return (value for _, *named, value in record.curves if named == [split, metric])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    "setting",
    [
        "training.precision=32-true", "training.precision=tf32", "training.precision=bf16-mixed",
        "training.checkpoint_activations=true", "training.recalibrate=true", "training.optimizer=adam",
        "model.encoding=poisson", "model.normalization=tdbn", "model.neuron=plif", "model.residual=ms",
        "data.mix=cutmix",
    ],
)  # fmt: skip
def test_the_same_seed_is_the_same_run_to_the_bit(tmp_path: Path, setting: str, backend: str) -> None:
    both = [placed(tmp_path / each, setting, backend=backend) for each in ("one", "other")]
    one, other = (trial.run(each) for each in both)

    assert one.status == "complete", one.reason
    assert told(one) == told(other)
    first, second = (weights(each) for each in both)
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert one.provenance["backend"] == backend
    assert one.provenance["device"] == torch.cuda.get_device_name()
    assert one.metrics["peak_memory_mb"] > 0  # type: ignore[operator]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_triton_trains_as_eager_does(tmp_path: Path, precision: str) -> None:
    """The first epoch; two trainings part where a membrane is a rounding away from its threshold."""
    found = [trial.run(placed(tmp_path / each, f"training.precision={precision}", backend=each)) for each in BACKENDS]

    eager, triton = (next(curve(each, "train", "loss")) for each in found)
    assert triton == pytest.approx(eager, rel=0.02)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_run_continues_from_its_last_checkpoint_bit_for_bit(tmp_path: Path, backend: str) -> None:
    whole = trial.run(placed(tmp_path / "whole", "training.optimizer=adam", backend=backend))
    killed = placed(tmp_path / "killed", "training.optimizer=adam", backend=backend)
    kill_after_epoch(killed, 2)

    assert told(trial.run(replace(killed, token="another"))) == told(whole)


@pytest.mark.parametrize("backend", BACKENDS)
def test_seeds_are_trained_at_once(tmp_path: Path, backend: str) -> None:
    """Their exact agreement with single ones is tested in float64, `stacking/test_folding.py`."""
    together = trained([placed(tmp_path / "stack" / str(seed), backend=backend, seed=seed) for seed in range(2)])

    for seed, each in enumerate(together):
        alone = trial.run(placed(tmp_path / "alone" / str(seed), backend=backend, seed=seed))
        assert (each.status, each.metrics.get("stacked")) == ("complete", 2), each.reason
        losses = [next(curve(record, "train", "loss")) for record in (each, alone)]
        assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_a_loss_that_is_not_finite_is_found_at_the_end_of_its_epoch(tmp_path: Path) -> None:
    record = trial.run(placed(tmp_path, "training.lr=1e30"))

    assert (record.status, record.kind) == ("failed", "diverged")
    assert record.reason.startswith("diverged in epoch 0, step")
