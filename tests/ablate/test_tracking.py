"""Real W&B runs, offline, read back from their files with the reader that W&B ships."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytorch_lightning as pl
import torch
import wandb
from wandb.util import get_core_path
from wandb_double import WandbDouble

from ablate.records import RunRecord, RunSpec
from ablate.tracking import online_problem, summarise, tracked
from ablate.wandb_identity import run_config, run_identity
from ablate.wandb_server import connection

EPOCHS = 3
SECRET = "k" * 40


class _Regression(pl.LightningModule):
    """The smallest module that logs as the classifier does."""

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.fails_at = fails_at

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        if self.current_epoch == self.fails_at:
            raise RuntimeError("the loss is nan\nand more lines")
        loss = ((batch - self.weight) ** 2).mean()
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        self.log("firing_rate/stem", 0.25, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: torch.Tensor, index: int) -> None:
        self.log("val_accuracy", 0.1 * (self.current_epoch + 1))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    study = tmp_path / "study"
    return RunSpec(
        study="digits", uid="0123456789abcdef", branch="main", run_id="c0ffee-2", cell_id="c0ffee",
        cell="residual=plain", seed=2, attempt=0, token="t", directory=str(study / "runs" / "c0ffee-2"),
        levels={"residual": "plain", "encoding": "direct"}, varied=["residual"],
        config={"protocol": "sound", "data": {"name": "digits", "root": "/somewhere"}, "model": {"width": 8}},
        tracking={"mode": "offline", "project": "snn", "entity": None, "directory": str(study)},
    )  # fmt: skip


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An empty home and an empty working directory, which tracking has to leave empty."""
    home, working = tmp_path / "home", tmp_path / "working"
    home.mkdir()
    working.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    monkeypatch.chdir(working)
    return home, working


def _record(spec: RunSpec, **changes: Any) -> RunRecord:
    complete = RunRecord(
        run_id=spec.run_id, attempt=0, token="t", status="complete",
        metrics={"val_accuracy": 0.2, "test_accuracy": 0.75, "energy_nj": None}, provenance={"commit": "4f1c2d9"},
    )  # fmt: skip
    return replace(complete, **changes)


def _train(logger: Any, fails_at: int | None = None) -> None:
    data = torch.utils.data.DataLoader([torch.ones(1)] * 4, batch_size=2)  # type: ignore[arg-type, var-annotated]
    trainer = pl.Trainer(
        max_epochs=EPOCHS, logger=logger, accelerator="cpu", enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, log_every_n_steps=1,
    )  # fmt: skip
    trainer.fit(_Regression(fails_at), data, data)


def _files(spec: RunSpec) -> list[Path]:
    return sorted(Path(spec.tracking["directory"]).glob("wandb/*/run-*.wandb"))


def _read(file: Path) -> list[dict[str, Any]]:
    command = [get_core_path(), "leet", "inspect", "-no-observability", "-json", "-run-file", str(file)]
    return [json.loads(line) for line in subprocess.run(command, capture_output=True, check=True).stdout.splitlines()]


def _summary(records: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for each in records:
        merged |= each.get("summary", {}).get("update", {})
    return merged


def _only(records: list[dict[str, Any]], kind: str) -> Any:
    (found,) = (each[kind] for each in records if each["type"] == kind)
    return found


def test_a_trained_run_holds_its_identity_curves_and_summary(spec: RunSpec) -> None:
    with tracked(spec) as logger:
        _train(logger)
        summarise(logger, _record(spec))
    (file,) = _files(spec)
    records = _read(file)
    run = _only(records, "run")
    assert run["run_id"] == run_identity(spec)
    assert (run["display_name"], run["run_group"]) == ("residual=plain seed=2", "digits/residual=plain")
    assert (run["job_type"], run["project"]) == ("train", "snn")
    assert run["tags"] == ["digits", "residual=plain", "encoding=direct"]
    assert {name: value for name, value in run["config"]["update"].items() if name != "_wandb"} == run_config(spec)
    rows = [each["history"]["item"] for each in records if each["type"] == "history"]
    assert [(row["epoch"], row["val_accuracy"]) for row in rows if "val_accuracy" in row] == [
        (0, pytest.approx(0.1)), (1, pytest.approx(0.2)), (2, pytest.approx(0.3))
    ]  # fmt: skip
    assert [row["epoch"] for row in rows if "train_loss" in row and row["firing_rate/stem"] == 0.25] == [0, 1, 2]
    summary = _summary(records)
    assert (summary["status"], summary["reason"], summary["commit"]) == ("complete", "", "4f1c2d9")
    assert (summary["val_accuracy"], summary["test_accuracy"]) == (0.2, 0.75) and "energy_nj" not in summary
    assert _only(records, "exit")["exit_code"] == 0


def test_the_epoch_is_the_x_axis_of_every_curve(spec: RunSpec) -> None:
    with tracked(spec):
        pass
    metrics = [each["metric"] for each in _read(_files(spec)[0]) if each["type"] == "metric"]
    steps = [(each.get("glob_name"), each["step_metric"]) for each in metrics if "step_metric" in each]
    assert steps == [("*", "epoch")]


def test_a_run_is_closed_after_an_exception(spec: RunSpec) -> None:
    with pytest.raises(RuntimeError, match="the loss is nan"), tracked(spec) as logger:
        _train(logger, fails_at=1)
    records = _read(_files(spec)[0])
    assert _only(records, "exit")["exit_code"] == 1
    summary = _summary(records)
    assert (summary["status"], summary["reason"]) == ("failed", "RuntimeError: the loss is nan")


@pytest.mark.parametrize(("status", "code"), [("pruned", 0), ("failed", 1)])
def test_the_exit_code_follows_the_record(spec: RunSpec, status: Any, code: int) -> None:
    with tracked(spec) as logger:
        summarise(logger, _record(spec, status=status, reason="diverged at epoch 3"))
    records = _read(_files(spec)[0])
    assert _only(records, "exit").get("exit_code", 0) == code
    assert (_summary(records)["status"], _summary(records)["reason"]) == (status, "diverged at epoch 3")


def test_an_attempt_without_a_record_counts_as_failed(spec: RunSpec) -> None:
    with tracked(spec):
        pass
    records = _read(_files(spec)[0])
    assert _summary(records)["status"] == "failed" and _only(records, "exit")["exit_code"] == 1


def test_two_runs_of_one_process_do_not_mix(spec: RunSpec) -> None:
    """Even when they are open at the same time."""
    other = replace(spec, run_id="c0ffee-3", seed=3)
    with tracked(spec) as first, tracked(other) as second:
        assert first is not None and second is not None
        first.log_metrics({"epoch": 0, "val_accuracy": 0.25})
        second.log_metrics({"epoch": 0, "val_accuracy": 0.5})
        assert wandb.run is None
    values = {}
    for file in _files(spec):
        records = _read(file)
        rows = [each["history"]["item"]["val_accuracy"] for each in records if each["type"] == "history"]
        values[_only(records, "run")["display_name"]] = rows
    assert values == {"residual=plain seed=2": [0.25], "residual=plain seed=3": [0.5]}


def test_attempts_share_an_id_and_only_a_resumed_one_continues_the_curves(spec: RunSpec) -> None:
    for attempt, resumed in enumerate((False, True, False)):
        with tracked(replace(spec, attempt=attempt, token=str(attempt)), resumed=resumed):
            pass
    runs = [_only(_read(file), "run") for file in _files(spec)]
    assert {each["run_id"] for each in runs} == {run_identity(spec)} and len(runs) == 3
    in_order = sorted(runs, key=lambda each: each["start_time"])
    assert [each.get("resume", False) for each in in_order] == [False, True, False]


def test_nothing_is_written_outside_of_the_study(spec: RunSpec, outside: tuple[Path, Path]) -> None:
    before = dict(os.environ)
    with tracked(spec) as logger:
        _train(logger)
        summarise(logger, _record(spec))
    assert [list(place.iterdir()) for place in outside] == [[], []]
    assert [each.name for each in Path(spec.tracking["directory"]).iterdir()] == ["wandb"]
    assert dict(os.environ) == before


def test_no_key_and_no_host_name_enters_a_file(spec: RunSpec, outside: tuple[Path, Path]) -> None:
    with tracked(spec) as logger:
        summarise(logger, _record(spec))
    written = [path for path in Path(spec.tracking["directory"]).rglob("*") if path.is_file()]
    assert written and not any(SECRET.encode() in path.read_bytes() for path in written)
    assert "host" not in _only(_read(_files(spec)[0]), "run")


def test_a_run_goes_on_without_its_tracking_service_and_the_next_gets_a_new_one(
    spec: RunSpec, caplog: pytest.LogCaptureFixture
) -> None:
    with tracked(spec) as logger:
        for process in psutil.Process().children():
            if process.name() == "wandb-core":
                process.kill()
                process.wait(20)
        _train(logger)
        summarise(logger, _record(spec))
    lost, unclosed = _warnings(caplog)
    assert "the rest of the run is not tracked" in lost and "the end of the run is not tracked" in unclosed
    other = replace(spec, run_id="c0ffee-3", seed=3)
    with tracked(other) as logger:
        summarise(logger, _record(other))
    (file,) = (file for file in _files(spec) if run_identity(other) in file.name)
    assert _summary(_read(file))["status"] == "complete"


def test_a_worker_that_inherits_a_dead_service_starts_its_own(spec: RunSpec, caplog: pytest.LogCaptureFixture) -> None:
    """W&B hands its service to child processes by an environment variable, which outlives the service."""
    with tracked(spec):
        token = os.environ["WANDB_SERVICE"]
    wandb.teardown()
    os.environ["WANDB_SERVICE"] = token
    with tracked(spec) as logger:
        summarise(logger, _record(spec))
    assert logger is not None and not _warnings(caplog)
    assert len(_files(spec)) == 2


def test_disabled_tracking_makes_no_directory(spec: RunSpec) -> None:
    disabled = replace(spec, tracking=spec.tracking | {"mode": "disabled"})
    with tracked(disabled) as logger:
        assert logger is None
        summarise(logger, _record(spec))
    assert not Path(spec.tracking["directory"]).exists()


class _Refusing(http.server.BaseHTTPRequestHandler):
    """A server that is there and takes no run."""

    def _refuse(self) -> None:
        self.send_response(403)
        self.end_headers()

    do_GET = do_POST = _refuse  # noqa: N815 (names of the base class)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def refusing() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def online(spec: RunSpec, outside: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[RunSpec]:
    """An online run in a fresh session: W&B reads its environment once, and what is known of a server is kept."""
    wandb.teardown()
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    connection.cache_clear()
    yield replace(spec, tracking=spec.tracking | {"mode": "online"})
    wandb.teardown()
    connection.cache_clear()


def _warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.name.startswith("ablate.")]


def _track_two(spec: RunSpec) -> None:
    for seed in (0, 1):
        with tracked(replace(spec, seed=seed, run_id=f"c0ffee-{seed}")) as logger:
            assert logger is not None
            logger.log_metrics({"epoch": 0, "val_accuracy": 0.5})
    places = sorted(place.name for place in (Path(spec.tracking["directory"]) / "wandb").glob("*run-*"))
    assert len(places) == 2 and all(name.startswith("offline-run-") for name in places)


def test_online_with_a_dead_server_goes_on_offline_with_one_warning(
    online: RunSpec, outside: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("WANDB_BASE_URL", server)
    _track_two(online)
    (warning,) = _warnings(caplog)
    assert f"{server} does not answer" in warning and "runs are kept offline" in warning and "\n" not in warning
    assert online_problem() in warning  # type: ignore[operator]
    assert [list(place.iterdir()) for place in outside] == [[], []]


def test_online_with_a_server_that_refuses_goes_on_offline(
    online: RunSpec, refusing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", refusing)
    _track_two(online)
    (warning,) = _warnings(caplog)
    assert "runs are kept offline" in warning and SECRET not in warning


def test_online_without_a_key_goes_on_offline(
    online: RunSpec, refusing: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", refusing)
    monkeypatch.delenv("WANDB_API_KEY")
    _track_two(online)
    (warning,) = _warnings(caplog)
    assert f"no API key for {refusing}" in warning


def test_tracking_is_cheap_to_import() -> None:
    heavy = "print(sorted({'wandb', 'torch', 'pytorch_lightning'} & set(sys.modules)))"
    command = [sys.executable, "-c", f"import sys, ablate.tracking; {heavy}"]
    root = Path(__file__).parents[2]
    assert subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.fixture
def double(online: RunSpec, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbDouble]:
    with WandbDouble() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server
        wandb.teardown()
    assert server.problems == []


def test_online_a_run_is_streamed_and_a_resumed_one_goes_on_under_its_id(online: RunSpec, double: WandbDouble) -> None:
    with tracked(online) as logger:
        assert logger is not None
        logger.log_metrics({"epoch": 0, "val_accuracy": 0.25})
    with tracked(replace(online, attempt=1, token="u"), resumed=True) as logger:
        assert logger is not None
        logger.log_metrics({"epoch": 1, "val_accuracy": 0.5})
        summarise(logger, replace(_record(online), attempt=1))
    (run,) = double.store.runs.values()
    assert (run.name, run.state) == (run_identity(online), "finished")
    assert [(row["epoch"], row["val_accuracy"]) for row in run.history] == [(0, 0.25), (1, 0.5)]
    assert (run.summary["status"], run.summary["attempts"], run.summary["test_accuracy"]) == ("complete", 2, 0.75)
    assert run.config == {**run_config(online), "levels": online.levels}
    assert SECRET.encode() not in b"".join(double.bodies)


def test_a_server_that_dies_between_runs_leaves_the_next_ones_offline_with_one_warning(
    online: RunSpec, double: WandbDouble, caplog: pytest.LogCaptureFixture
) -> None:
    with tracked(online) as logger:
        summarise(logger, _record(online))
    double.stop()
    for seed in (3, 4):
        with tracked(replace(online, seed=seed, run_id=f"c0ffee-{seed}")) as logger:
            summarise(logger, _record(online))
    (warning,) = _warnings(caplog)
    assert "does not answer" in warning and "runs are kept offline" in warning
    places = sorted(path.parent.name.partition("-2")[0] for path in _files(online))
    assert places == ["offline-run", "offline-run", "run"]
