"""From the `engine` section to an engine: what it comes to here, and one line for what is not there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dummies
import pytest

from ablate import config
from ablate.engines import choice, devices
from ablate.engines.settings import EngineSettings
from ablate.errors import RequestError


def placed(*, runs: int = 100, **fields: object) -> choice.Placement:
    return choice.place(EngineSettings.model_validate(fields), runs)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,7")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("fields", "at_once", "gpus"),
    [
        ({}, 2, ("3", "7")),
        ({"gpus_per_run": 0.1}, 20, ("3", "7")),
        ({"gpus": [1], "gpus_per_run": 0.5}, 2, ("7",)),
        ({"workers": 3}, 3, ("3", "7")),
        ({"accelerator": "cpu", "workers": 3}, 3, ()),
        ({"gpus_per_run": 0, "workers": 3}, 3, ()),
        ({"name": "inline"}, 1, ()),
        ({"name": "ray", "gpus_per_run": 0.25}, 8, ("3", "7")),
        ({"name": "ray", "address": "auto"}, None, ()),
        ({"name": "slurm", "slurm": {"cluster": "local"}, "workers": 4, "accelerator": "cpu"}, 4, ()),
        ({"name": "slurm", "slurm": {"cluster": "local"}, "workers": 4}, 4, ()),
        ({"name": "slurm", "slurm": {"cluster": "local"}, "gpus_per_run": 1}, 2, ("3", "7")),
    ],
)
def test_runs_at_once_follow_from_the_gpus_unless_they_are_given(
    fields: dict[str, object], at_once: int | None, gpus: tuple[str, ...]
) -> None:
    placement = placed(**fields)
    assert (placement.at_once, placement.gpus) == (at_once, gpus)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(("share", "seen"), [(0, ""), (1, "3")])
def test_workers_without_a_share_of_a_gpu_see_none(share: float, seen: str, tmp_path: Path) -> None:
    """Else a run with `accelerator: auto` would find one."""
    placement = placed(gpus_per_run=share, workers=1)
    engine = choice.create(placement, "dummies:run", tmp_path)
    try:
        done = engine.submit(dummies.spec(tmp_path, "rendezvous", of=1)).result(timeout=30)
    finally:
        engine.shutdown(cancel=True)
    assert done.provenance["CUDA_VISIBLE_DEVICES"] == seen


def test_threads_share_the_cores_and_no_worker_is_without_a_run() -> None:
    assert placed(accelerator="cpu").at_once == devices.cores()
    assert placed(accelerator="cpu", threads=10_000).at_once == 1
    assert placed(accelerator="cpu", workers=8, runs=3).at_once == 3


@pytest.mark.parametrize(("variable", "gpus"), [("", []), ("-1", []), ("0, 1", ["0", "1"]), ("1,-1,2", ["1"])])
def test_what_cuda_hides_is_hidden_here_too(monkeypatch: pytest.MonkeyPatch, variable: str, gpus: list[str]) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert devices.visible_gpus() == gpus


def test_gpus_are_asked_of_the_driver_and_a_machine_without_one_has_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.visible_gpus() == []
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 0\necho 1\n")
    tool.chmod(0o755)
    assert devices.visible_gpus() == ["0", "1"]


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"gpus": [2]}, "engine.gpus: there is no GPU 2; GPUs here: 0 to 1"),
        ({"gpus_per_run": 0.5, "workers": 5}, "engine.workers: 5 at 0.5 GPU a run do not fit 2 GPUs; at most 4"),
    ],
)
def test_what_does_not_fit_the_machine_is_refused(fields: dict[str, object], line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        placed(**fields)
    assert str(refusal.value) == line


@pytest.mark.parametrize(("name", "module"), [("ray", "ray"), ("slurm", "submitit")])
def test_an_engine_that_is_not_installed_names_its_extra(
    monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda asked: None if asked == module else found(asked))
    with pytest.raises(RequestError) as refusal:
        placed(name=name)
    assert str(refusal.value) == f"engine.name: {name} needs the package {module}; pip install 'ablate-snn[{name}]'"


def test_slurm_without_slurm_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RequestError, match=r"^engine\.name: slurm needs the command sbatch"):
        placed(name="slurm")


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("engine.name=slrum", "engine.name: 'slrum' is not accepted; did you mean 'slurm'?"),
        ("engine.gpus=[]", "engine.gpus: [] is not a list of distinct GPUs such as [0, 1]"),
        ("engine.gpus_per_run=2", "engine.gpus_per_run: 2 is too large; a number of at most 1 is needed"),
        ("engine={name: slurm, gpus_per_run: 0.5}", "engine.gpus_per_run: 0.5 is no whole GPU, and SLURM gives no"),
        ("engine.threads=0", "engine.threads: 0 is too small; an integer of at least 1 is needed"),
        ("engine.memory_gb=0", "engine.memory_gb: 0 is too small; a number above 0 is needed"),
        ("engine.slurm.partion=x", "engine.slurm.partion: there is no such key; did you mean 'partition'?"),
        ("engine.slurm.cluster=lokal", "engine.slurm.cluster: 'lokal' is not accepted; did you mean 'local'?"),
    ],
)
def test_a_mistake_gets_one_line(override: str, line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        config.load("quickstart", [override])
    assert str(refusal.value).startswith(line)


def test_a_placement_reads_like_a_sentence() -> None:
    slurm = placed(
        name="slurm", workers=4, threads=2, memory_gb=8, gpus_per_run=0, slurm={"cluster": "local", "partition": "gpu"}
    )
    assert str(slurm) == ("slurm (local), 4 at once, 2 threads a run, 0 GPU a run, at most 8 GB a run, partition gpu")
    assert str(placed(name="ray", address="auto")) == "ray at auto, as many at once as fit"
