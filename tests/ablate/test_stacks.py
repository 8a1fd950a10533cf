"""A stack of real runs: each record is that of the run by itself, whatever happens to the stack."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from command_line import ablate
from dummies import Recorder, SpecMaker, plan
from test_tracking import _read
from test_trial import measured, spec

from ablate import config, design, stacked_training, stacks, trial
from ablate.checkpoints import Checkpoints
from ablate.coordinator import coordinate
from ablate.engines import InlineEngine, ProcessEngine
from ablate.engines.base import LOG, execute, recorded
from ablate.ledger import Ledger
from ablate.records import RunRecord, RunSpec
from ablate.wandb_identity import run_identity
from ablate.wandb_summary import rows_of
from lightning_modules.classifier import SpikingClassifier

Opener = Callable[..., Ledger]
POISSON = "model.encoding=poisson"
NEAR = 1e-5


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def seeds(directory: Path, *overrides: str, count: int = 2, **changes: Any) -> list[RunSpec]:
    """Specs of one cell."""
    made = [spec(directory / str(seed), *overrides, seed=seed) for seed in range(count)]
    return [replace(each, token=f"token{each.seed}", **changes) for each in made]


def trained(specs: list[RunSpec]) -> list[RunRecord]:
    """The records of a stack."""
    first = execute("ablate.trial:run", stacks.together(specs))
    others = [recorded(each) for each in specs[1:]]
    assert recorded(specs[0]) == first, first.reason
    assert all(each is not None for each in others), first.reason
    return [first, *(each for each in others if each is not None)]


def alike(one: RunRecord, other: RunRecord) -> None:
    """Whether two records tell of the same run, but for rounding."""
    assert (one.run_id, one.status, one.correct) == (other.run_id, other.status, other.correct)
    left, right = ({key: value for key, value in measured(each).items() if key != "stacked"} for each in (one, other))
    assert left == pytest.approx(right, rel=NEAR)
    curves = [{tuple(row[:3]): row[3] for row in each.curves} for each in (one, other)]
    assert curves[0] == pytest.approx(curves[1], rel=NEAR, abs=NEAR)
    assert len(one.layers) == len(other.layers)
    for here, there in zip(one.layers, other.layers, strict=True):
        assert here.keys() == there.keys()
        for column, value in there.items():
            assert here[column] == (pytest.approx(value, rel=1e-3, abs=NEAR) if isinstance(value, float) else value)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[RunRecord]:
    return trained(seeds(tmp_path_factory.mktemp("whole"), POISSON))


@pytest.mark.parametrize("setting", [POISSON, "data.mix=cutmix", "training.recalibrate=true"])
def test_each_record_is_that_of_the_run_by_itself_and_marked(tmp_path: Path, setting: str) -> None:
    together = trained(seeds(tmp_path / "stack", setting))
    for each, one in zip(together, seeds(tmp_path / "alone", setting), strict=True):
        alike(each, trial.run(one))
        assert each.metrics["stacked"] == 2
        assert each.metrics["train_seconds"] > 0 and each.metrics["peak_memory_mb"] > 0  # type: ignore[operator]


def test_its_checkpoint_is_that_of_a_single_run(whole: list[RunRecord], tmp_path: Path) -> None:
    specs = seeds(tmp_path, POISSON)
    trained(specs)
    for each in specs:
        loaded = SpikingClassifier.load_from_checkpoint(Path(each.directory) / "checkpoints" / "best.ckpt")
        assert loaded.seed == each.seed
        assert not (Path(each.directory) / "checkpoints" / "last.ckpt").exists()


def test_a_killed_stack_goes_on_from_its_checkpoints(
    whole: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = seeds(tmp_path, POISSON)
    save = Checkpoints.on_train_epoch_end

    def killed(self: Checkpoints, trainer: Any, module: Any) -> None:
        # Between the checkpoints of the two runs: from here on one is an epoch ahead of the other.
        if trainer.current_epoch == 2 and module.seed == 1:
            raise KeyboardInterrupt
        save(self, trainer, module)

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        patched.setattr(Checkpoints, "on_train_epoch_end", killed)
        trained(specs)

    resumed = trained([replace(each, token=f"again{each.seed}") for each in specs])
    for each, wanted in zip(resumed, whole, strict=True):
        alike(each, wanted)
        assert each.metrics["stacked"] == 1


def test_a_stack_whose_runs_are_equally_far_goes_on_as_one(
    whole: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = seeds(tmp_path, POISSON)
    save = Checkpoints.on_train_epoch_end

    def killed(self: Checkpoints, trainer: Any, module: Any) -> None:
        if trainer.current_epoch == 3:
            raise KeyboardInterrupt
        save(self, trainer, module)

    with monkeypatch.context() as patched, pytest.raises((KeyboardInterrupt, SystemExit)):
        patched.setattr(Checkpoints, "on_train_epoch_end", killed)
        trained(specs)

    resumed = trained(specs)
    assert [(each.metrics["stacked"], each.curves, each.correct) for each in resumed] == [
        (2, each.curves, each.correct) for each in whole
    ]


def test_one_of_a_stack_goes_on_by_itself(whole: list[RunRecord], tmp_path: Path) -> None:
    specs = seeds(tmp_path, POISSON)
    trained(specs)
    shutil.copy(tmp_path / "1" / "checkpoints" / "best.ckpt", tmp_path / "1" / "checkpoints" / "last.ckpt")

    alone = trial.run(specs[1])
    alike(alone, whole[1])
    assert alone.metrics["stacked"] == 2


def test_a_seed_that_diverges_is_recorded_as_by_itself_and_the_others_are_trained(
    whole: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = trial.built

    def poisoned(spec: RunSpec, *arguments: Any) -> Any:
        classifier, *others = build(spec, *arguments)
        if spec.seed == 1:
            with torch.no_grad():
                classifier.network.head.linear.weight[0, 0] = float("nan")
        return classifier, *others

    monkeypatch.setattr(trial, "built", poisoned)
    first, second = trained(seeds(tmp_path / "stack", POISSON))

    alike(first, whole[0])
    single = trial.run(seeds(tmp_path / "alone", POISSON)[1])
    assert (second.status, second.kind, second.reason) == ("failed", "diverged", single.reason)
    assert (single.kind, single.reason) == ("diverged", "diverged in epoch 0, step 0: loss nan")


def test_a_stack_in_which_all_diverge_ends_early(tmp_path: Path) -> None:
    records = trained(seeds(tmp_path, "training.lr=1e30"))
    assert [each.kind for each in records] == ["diverged", "diverged"]


def test_a_stack_that_fails_is_trained_one_by_one_and_says_so(
    whole: list[RunRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> Any:
        raise RuntimeError("CUDA out of memory")

    monkeypatch.setattr(stacked_training.StackedClassifier, "training_step", full)
    specs = seeds(tmp_path, POISSON)

    for each, wanted in zip(trained(specs), whole, strict=True):
        alike(each, wanted)
        assert "stacked" not in each.metrics
    assert "not stacked: CUDA out of memory; 2 runs are trained one by one" in capsys.readouterr().out
    assert f"in a stack whose log is that of run {specs[0].run_id}" in (tmp_path / "1" / LOG).read_text()


def test_a_block_of_a_plug_in_is_trained_one_by_one_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from lightning_modules.stacking import folding

    monkeypatch.setattr(folding, "_SKELETON", folding._SKELETON - {folding.residual.SResNet})
    records = trained(seeds(tmp_path))

    assert [each.status for each in records] == ["complete", "complete"]
    assert "not stacked: stages.0.0 is a SResNet, which may mix channels; 2 runs" in capsys.readouterr().out


def test_each_run_of_a_stack_has_a_w_and_b_run_of_its_own_with_its_curves(tmp_path: Path) -> None:
    tracking = {"mode": "offline", "project": "p", "directory": str(tmp_path), "entity": None}
    records = trained(seeds(tmp_path, POISSON, tracking=tracking))

    for each, record in zip(seeds(tmp_path, POISSON, tracking=tracking), records, strict=True):
        (file,) = tmp_path.glob(f"wandb/*/run-{run_identity(each)}.wandb")
        told = [line["history"]["item"] for line in _read(file) if line["type"] == "history"]
        curves = [row for row in told if "train_loss" in row]
        assert [row["epoch"] for row in curves] == list(range(5))
        for row, wanted in zip(curves, rows_of(record), strict=True):
            assert wanted["train_loss"] == pytest.approx(row["train_loss"])
            assert wanted["val_accuracy"] == pytest.approx(row["val_accuracy"])
        tested = [row for row in told if "test_accuracy" in row]
        assert [row["test_accuracy"] for row in tested] == [pytest.approx(record.metrics["test_accuracy"])]


def test_runs_of_a_cell_are_stacked_and_booked_each_by_itself(opened: Opener) -> None:
    listener = Recorder()
    with opened() as ledger:
        summary = coordinate(
            ledger, plan(2, 3), InlineEngine("dummies:in_stacks"), SpecMaker(ledger.directory), listener, stack=2
        )
        assert (summary.planned, summary.complete, summary.attempts) == (6, 6, 6)
        sizes = [ledger.record(f"c{cell}-{seed}") for cell in range(2) for seed in range(3)]
    assert [each and each.metrics["size"] for each in sizes] == [2, 2, 1, 2, 2, 1]
    assert listener.of("finish") == ["c0-0", "c0-1", "c1-0", "c1-1", "c0-2", "c1-2"]


def test_runs_of_a_stack_that_dies_are_tried_again_by_themselves(opened: Opener) -> None:
    listener = Recorder()
    with opened() as ledger:
        runs = plan(1, 3, "kill_stack")
        engine = ProcessEngine("dummies:in_stacks", workers=1)
        summary = coordinate(ledger, runs, engine, SpecMaker(ledger.directory), listener, stack=3)
        assert (summary.complete, summary.attempts) == (3, 6)
    assert listener.of("retry") == ["c0-0", "c0-1", "c0-2"]


def test_stacks_are_no_part_of_what_a_run_is() -> None:
    plain, stacked = (config.load("quickstart", [f"training.stack_seeds={size}"]) for size in (1, 5))
    assert [run.run_id for run in design.plan(plain).runs] == [run.run_id for run in design.plan(stacked).runs]


def test_a_study_is_run_in_stacks_and_told_so(tmp_path: Path) -> None:
    small = ["seeds=2", "training.epochs=1", "axes={residual: [plain]}", "model={timesteps: 1, width: 2}"]
    done = ablate("run", "quickstart", *small, "training.stack_seeds=2", "--profile", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    study = tmp_path / "studies" / "quickstart"
    rows = list(csv.DictReader((study / "report" / "runs.csv").open()))
    assert [(row["status"], row["stacked"]) for row in rows] == [("complete", "2")] * 4
    assert "4 in stacks of 2" in (study / "report" / "guide.md").read_text()
    spent = list(csv.DictReader((study / "profile.csv").open()))
    assert {row["run_id"] for row in spent if row["phase"] == "worker"} == {row["run_id"] for row in rows}
    best = study / "runs" / rows[3]["run_id"] / "checkpoints" / "best.ckpt"
    evaluated = ablate("evaluate", str(best), "--data", "digits", cwd=tmp_path)
    assert f"{100 * float(rows[3]['test_accuracy']):.2f}" in evaluated.stdout
