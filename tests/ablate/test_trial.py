"""One attempt with a real training: reproducible, resumable bit for bit, honest about divergence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ablate import config, design, training, trial
from ablate.records import RunRecord, RunSpec
from lightning_modules import examination
from lightning_modules.classifier import SpikingClassifier

TINY = ["model.width=2", "model.timesteps=2", "training.epochs=5", "axes={residual: [plain]}", "data.batch_size=256"]


def spec(directory: Path, *overrides: str, seed: int = 0) -> RunSpec:
    """The baseline cell of a tiny study in one seed block."""
    study = config.load("quickstart", [*TINY, *overrides])
    cell = design.plan(study).cells[0]
    directory.mkdir(parents=True, exist_ok=True)
    return RunSpec(
        study=study.name,
        uid="uid",
        branch="main",
        run_id=f"{cell.cell_id}-{seed}",
        cell_id=cell.cell_id,
        cell=cell.label,
        seed=seed,
        attempt=0,
        token="token",
        directory=str(directory),
        levels=dict(cell.levels),
        varied=[],
        config=dict(cell.config),
        execution={"accelerator": "cpu", "objective": study.fields.objective.model_dump()},
        tracking={"mode": "disabled", "directory": str(directory)},
    )


def measured(record: RunRecord) -> dict[str, Any]:
    """What the same seed must repeat: everything but time and memory."""
    return {key: value for key, value in record.metrics.items() if key not in ("train_seconds", "peak_memory_mb")}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return trial.run(spec(tmp_path_factory.mktemp("first")))


@pytest.mark.parametrize("tasks", [{"SLURM_NTASKS": "4"}, {"SLURM_NTASKS": "4", "SLURM_NTASKS_PER_NODE": "4"}])
def test_a_run_is_alone_in_a_slurm_job_of_several_tasks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tasks: dict[str, str]
) -> None:
    of_the_job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "study", "SLURM_NNODES": "2", "SLURM_PROCID": "0"}
    for name, value in {**of_the_job, **tasks}.items():
        monkeypatch.setenv(name, value)
    assert trial.run(spec(tmp_path, "training.epochs=1")).status == "complete"


def test_a_run_records_its_metrics_curves_layers_and_correctness(first: RunRecord) -> None:
    assert first.status == "complete"
    assert 0 < first.metrics["test_accuracy"] <= 1  # type: ignore[operator]
    assert {(row[1], row[2]) for row in first.curves} >= {("train", "loss"), ("val", "accuracy"), ("train", "lr")}
    assert {row[0] for row in first.curves} == set(range(5))
    columns = {"layer", "firing_rate", "synops", "macs", "acs", "gradient_norm", "silent", "saturated", "largest"}
    assert all(set(row) == columns for row in first.layers)
    assert {row["layer"] for row in first.layers} >= {"stem.conv", "stem.fire", "head.linear"}
    for column in columns:
        assert any(row[column] is not None for row in first.layers)
    assert len(first.correct) == 60  # 359 samples are 45 bytes


def test_the_epoch_is_the_best_on_validation(first: RunRecord) -> None:
    accuracies = [row[3] for row in first.curves if row[1:3] == ["val", "accuracy"]]

    assert first.metrics["val_accuracy"] == max(accuracies)
    assert first.metrics["best_epoch"] == accuracies.index(max(accuracies))


def test_test_accuracy_is_the_share_of_correct_samples(first: RunRecord) -> None:
    import base64

    import numpy as np

    correct = np.unpackbits(np.frombuffer(base64.b64decode(first.correct), dtype=np.uint8))[:359]
    assert first.metrics["test_accuracy"] == pytest.approx(correct.mean(), abs=1e-6)


def test_accuracy_is_recorded_as_read_after_each_power_of_two_of_the_steps(first: RunRecord) -> None:
    early = {name: value for name, value in first.metrics.items() if name.startswith("test_accuracy_at_")}

    assert set(early) == {"test_accuracy_at_1", "test_accuracy_at_2"}
    assert early["test_accuracy_at_2"] == first.metrics["test_accuracy"]
    assert 0 < early["test_accuracy_at_1"] < 1  # type: ignore[operator]


def test_a_run_tells_how_many_samples_it_opened(first: RunRecord) -> None:
    assert first.provenance["samples"] == {"train": 1078, "validation": 360, "test": 359}


def test_paper_compat_selects_on_test_and_drops_incomplete_batches(tmp_path: Path) -> None:
    record = trial.run(spec(tmp_path, "baseline.protocol=paper_compat"))

    # 359 test samples hold one full batch of 256, and "validation" is the test part itself.
    assert len(record.correct) == 44
    assert record.metrics["val_accuracy"] == pytest.approx(record.metrics["test_accuracy"])


def test_the_same_seed_is_the_same_run_and_another_is_not(first: RunRecord, tmp_path: Path) -> None:
    again = trial.run(spec(tmp_path / "again"))
    other = trial.run(spec(tmp_path / "other", seed=1))

    assert (measured(again), again.curves, again.correct) == (measured(first), first.curves, first.correct)
    assert other.curves != first.curves


@pytest.mark.parametrize("setting", ["model.encoding=direct", "model.encoding=poisson", "data.mix=cutmix"])
def test_a_killed_run_continues_from_its_last_checkpoint_bit_for_bit(tmp_path: Path, setting: str) -> None:
    whole = trial.run(spec(tmp_path / "whole", setting))
    killed = spec(tmp_path / "killed", setting)
    killed_at = kill_after_epoch(killed, 2)

    # An attempt that was interrupted is begun again under a new token.
    resumed = trial.run(replace(killed, token="another"))

    assert 2 <= killed_at < 5
    assert (measured(resumed), resumed.curves, resumed.correct) == (measured(whole), whole.curves, whole.correct)
    assert not (tmp_path / "killed" / "checkpoints" / "last.ckpt").exists()


def test_a_torn_checkpoint_costs_epochs_but_not_the_run(first: RunRecord, tmp_path: Path) -> None:
    torn = spec(tmp_path)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").write_bytes(b"PK\x03\x04 half a checkpoint")

    assert measured(trial.run(torn)) == measured(first)


def test_a_torn_checkpoint_of_the_best_epoch_costs_epochs_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last one alone is no use then: nothing would ever overwrite the torn one, and each attempt would fail."""

    def die(*_: Any) -> None:
        raise InterruptedError

    still = spec(
        tmp_path, "training.lr=1e-30", "training.weight_decay=0"
    )  # all epochs are alike: the first is the best
    with monkeypatch.context() as patch:
        patch.setattr(training, "evaluated", die)
        with pytest.raises(InterruptedError):
            trial.run(still)
    (tmp_path / "checkpoints" / "best.ckpt").write_bytes(b"")

    assert trial.run(still).metrics["best_epoch"] == 0


def test_a_network_is_measured_on_the_device_that_trained_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning leaves it on the CPU, where kernels for GPUs refuse it and a validation part takes hours."""
    moves: list[Any] = []
    monkeypatch.setattr(SpikingClassifier, "to", lambda self, device: moves.append(device) or self)
    examine = examination.examine
    monkeypatch.setattr(examination, "examine", lambda *given: moves.append("measured") or examine(*given))
    trial.run(spec(tmp_path, "training.epochs=1"))

    assert moves[-2:] == ["cpu", "measured"]


def test_divergence_is_an_outcome_with_its_place_and_not_an_exception(tmp_path: Path) -> None:
    record = trial.run(spec(tmp_path, "training.lr=1e30"))

    assert (record.status, record.kind) == ("failed", "diverged")
    assert record.reason.startswith("diverged in epoch 0, step")


def kill_after_epoch(killed: RunSpec, epoch: int) -> int:
    """Start the attempt in a process, kill -9 it once `epoch` epochs are done; gives the epochs it had told of."""
    script = (
        "import sys; from ablate import trial; from ablate.records import RunSpec\n"
        "trial.run(RunSpec.from_json(sys.argv[1]))"
    )
    slowed = (
        "import time; from ablate import callbacks; write = callbacks.write_atomically\n"
        "def slow(*a, **k): write(*a, **k); time.sleep(0.4)\n"
        "callbacks.write_atomically = slow\n"
    )
    process = subprocess.Popen([sys.executable, "-c", slowed + script, killed.to_json()])
    progress = Path(killed.directory) / "progress.json"
    deadline = time.monotonic() + 120
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if progress.exists() and (done := json.loads(progress.read_text())["epoch"]) >= epoch:
                return int(done)
            time.sleep(0.02)
        raise AssertionError("the attempt ended before it could be killed")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
