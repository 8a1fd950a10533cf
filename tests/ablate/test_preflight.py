"""The preflight with the real trial: cells that can run are measured, one that cannot is known before the study."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from command_line import inside

from ablate import preflight, preflight_trial, workflow
from ablate.commands import preflight as command

STUDY = ["seeds=2", "axes={residual: [plain]}", "engine.name=inline", "model={timesteps: 1, width: 2}"]


def prepared(folder: Path, *overrides: str) -> workflow.Prepared:
    return workflow.prepare("quickstart", [*STUDY, *overrides], directory=str(folder / "studies" / "q"))


def test_every_cell_is_tried_and_measured_and_nothing_is_left_behind(tmp_path: Path) -> None:
    study = prepared(tmp_path)

    found = preflight.check(study, preflight.fresh_cells(study))

    assert [(each.cell, each.reason) for each in found] == [("baseline", ""), ("residual=plain", "")]
    assert all(each.seconds and each.seconds > 1 and each.megabytes for each in found)
    assert list(tmp_path.iterdir()) == []


def test_only_the_study_directory_need_be_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be a volume of its own, in a file system that is read-only."""
    study, made = prepared(tmp_path), []
    study.directory.path.mkdir(parents=True)
    monkeypatch.setattr(preflight, "_checked", lambda prepared, cells, folder: made.append(folder) or [])

    preflight.check(study, [])

    assert [folder.parent for folder in made] == [study.directory.path]
    assert list(study.directory.path.iterdir()) == []


def test_a_cell_that_cannot_run_is_told_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "TRIAL", "dummies:unbuildable")

    done = inside("run", "quickstart", *STUDY, "--preflight", "--dir", "q", cwd=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "preflight: 1 of 2 cells cannot run: residual=plain: RuntimeError: no such kernel; nothing" in done.stderr
    assert "  residual=plain: RuntimeError: no such kernel" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_precision_that_the_device_lacks_is_told_before_anything_is_written(tmp_path: Path) -> None:
    arguments = (*STUDY, "training.precision=tf32", "engine.accelerator=cpu", "--preflight", "--dir", "q")

    done = inside("run", "quickstart", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "training.precision: 'tf32' needs a CUDA GPU of compute capability 8.0 or more, not cpu" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_batch_on_a_gpu_is_timed_until_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a GPU is asked for returns at once."""
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: time.sleep(0.05))
    times, module = preflight_trial._Times(), SimpleNamespace(device=torch.device("cuda"))
    for part in ("train", "validation"):
        getattr(times, f"on_{part}_batch_start")(None, module, None, 0)
        getattr(times, f"on_{part}_batch_end")(None, module, None, None, 0)
        assert getattr(times, part) >= 0.05


@pytest.mark.parametrize(
    ("wanted", "worth", "tried"), [(None, 1e9, 0), (None, 0.0, 1), (False, 0.0, 0), (True, 1e9, 1)]
)
def test_short_studies_find_out_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: bool | None, worth: float, tried: int
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(command, "_WORTH_SECONDS", worth)
    monkeypatch.setattr(preflight, "check", lambda _, cells: calls.append(cells) or [preflight.Checked("c", "", 2, 3)])
    from rich.console import Console

    command.examine(Console(quiet=True), prepared(tmp_path), wanted=wanted)

    assert len(calls) == tried
