"""Trial functions that need no torch, addressed by dotted name, and plans made of them."""

from __future__ import annotations

import atexit
import json
import math
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate import stacks
from ablate.attempts import Attempt
from ablate.files import write_atomically
from ablate.records import RunRecord, RunSpec, last_checkpoint


@dataclass(frozen=True)
class DummyCell:
    """As much of `ablate.design.Cell` as the engine room needs."""

    cell_id: str
    label: str
    levels: dict[str, str]
    varied: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DummyRun:
    run_id: str
    cell: DummyCell
    seed: int


def plan(cells: int, seeds: int, behaviour: str = "complete", **config: Any) -> list[DummyRun]:
    """Cells c0, c1, ... on an axis `depth`, with seeds 0, 1, ...; cell by cell."""
    made = [
        DummyCell(f"c{n}", f"depth={n}", {"depth": str(n)}, config={"behaviour": behaviour, **config})
        for n in range(cells)
    ]
    return [DummyRun(f"{cell.cell_id}-{seed}", cell, seed) for cell in made for seed in range(seeds)]


def spec(directory: Path, behaviour: str = "complete", run_id: str = "c0-0", **config: Any) -> RunSpec:
    """A spec whose folder exists."""
    folder = directory / "runs" / run_id
    folder.mkdir(parents=True, exist_ok=True)
    return RunSpec(
        study="dummy",
        uid="u",
        branch="main",
        run_id=run_id,
        cell_id="c0",
        cell="depth=0",
        seed=0,
        attempt=0,
        token="t",
        directory=str(folder),
        levels={"depth": "0"},
        varied=[],
        config={"behaviour": behaviour, **config},
    )


class SpecMaker:
    """What the command line does for real studies."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, run: DummyRun, attempt: Attempt) -> RunSpec:
        return RunSpec(
            study="dummy",
            uid="u",
            branch="main",
            run_id=run.run_id,
            cell_id=run.cell.cell_id,
            cell=run.cell.label,
            seed=run.seed,
            attempt=attempt.attempt,
            token=attempt.token,
            directory=str(self._directory / "runs" / run.run_id),
            levels=run.cell.levels,
            varied=list(run.cell.varied),
            config=run.cell.config,
        )


def record(spec: RunSpec, **changes: Any) -> RunRecord:
    given: dict[str, Any] = {"status": "complete", "metrics": {"val_accuracy": 0.5, "pid": os.getpid()}} | changes
    return RunRecord(spec.run_id, spec.attempt, spec.token, **given)


def run(spec: RunSpec) -> RunRecord:
    """Do what `config.behaviour` says; `config.log` names a file that gets a line for each attempt that ended."""
    made = BEHAVIOURS[spec.config["behaviour"]](spec)
    if "log" in spec.config and spec.config["behaviour"] != "epochs":
        with Path(spec.config["log"]).open("a") as log:
            log.write(f"{spec.run_id} {spec.attempt}\n")
    return made


def scored(spec: RunSpec) -> RunRecord:
    """A smooth objective of lr, timesteps and width, without training; `config.training.lr` above 0.9 diverges.

    The folder's `done.log` gets a line for each attempt; what a tuning tries has no test accuracy.
    """
    with (Path(spec.directory).parent.parent / "done.log").open("a") as log:
        log.write(f"{spec.run_id}\n")
    model, lr = spec.config["model"], spec.config["training"]["lr"]
    if lr > 0.9:
        return record(spec, status="failed", kind="diverged", reason="diverged in epoch 0", metrics={})
    accuracy = 0.9 - 0.1 * (math.log10(lr) + 1.5) ** 2 - 0.002 * abs(model["timesteps"] - 6) + 1e-3 * (spec.seed % 7)
    energy = 10.0 * model["timesteps"] * model["width"]
    metrics = {"val_accuracy": accuracy, "energy_nj": energy, "parameters": 100 * model["width"], "train_seconds": 1.0}
    if spec.execution.get("purpose") != "tuning":
        metrics["test_accuracy"] = accuracy - 0.01
    curve = [[epoch, "val", "accuracy", accuracy * (epoch + 1) / 8] for epoch in range(8)]
    tuned = {"tuned": spec.execution["tuned"]} if "tuned" in spec.execution else {}
    return record(spec, metrics=metrics, curves=curve, provenance=tuned)


def profiled(spec: RunSpec) -> RunRecord:
    """Done at once, with phases."""
    return record(spec, profile={"training steps": 0.0, "network": 0.0})


def in_stacks(spec: RunSpec) -> RunRecord:
    """A trial function for stacks; `kill_stack` dies in one and is done alone."""
    if not stacks.stacked(spec):
        return record(spec)
    if spec.config["behaviour"] == "kill_stack":
        return _kill(spec)
    runs = stacks.members(spec)
    made = [record(each, metrics={"val_accuracy": 0.5, "size": len(runs)}) for each in runs]
    for each, done in zip(runs[1:], made[1:], strict=True):
        write_atomically(Path(each.directory) / "record.json", done.to_json())
    return made[0]


def _sleep(spec: RunSpec) -> RunRecord:
    time.sleep(spec.config.get("seconds", 60))
    return record(spec)


def _heed(spec: RunSpec) -> RunRecord:
    """Told to end, as Lightning does: calls the handler that was there before, then ends by an exception."""
    before = signal.getsignal(signal.SIGTERM)

    def end(*arguments: Any) -> None:
        if callable(before):
            before(*arguments)
        raise MemoryError("told to end")

    signal.signal(signal.SIGTERM, end)
    print("sleeping", flush=True)
    return _sleep(spec)


def _progress(spec: RunSpec) -> RunRecord:
    progress = {"token": spec.token, "epoch": 1, "epochs": 2, "metric": "val_accuracy", "value": 0.4}
    (Path(spec.directory) / "progress.json").write_text(json.dumps(progress))
    time.sleep(1.2)
    return record(spec)


def _error(spec: RunSpec) -> RunRecord:
    raise ValueError("the first line\nand the second")


def _exit(spec: RunSpec) -> RunRecord:
    sys.exit(3)


def _memory(spec: RunSpec) -> RunRecord:
    raise MemoryError("no room")


def _cuda(spec: RunSpec) -> RunRecord:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def _kill(spec: RunSpec) -> RunRecord:
    print("about to die", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
    return record(spec)


def _kill_with_child(spec: RunSpec) -> RunRecord:
    """A forked child that keeps all descriptors open must not hide the death of its parent."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    return _kill(spec)


def _kill_first(spec: RunSpec) -> RunRecord:
    return _kill(spec) if spec.attempt == 0 else record(spec)


def _print(spec: RunSpec) -> RunRecord:
    print(f"out {spec.run_id}")
    print(f"err {spec.run_id}", file=sys.stderr)
    os.system(f"echo child {spec.run_id}")
    return record(spec, metrics={"val_accuracy": 0.5, "pid": os.getpid(), "stdin": len(sys.stdin.read())})


def _registers(spec: RunSpec) -> RunRecord:
    """What a library registers for the end of a process is done: it writes the file `ended`."""
    atexit.register((Path(spec.directory) / "ended").write_text, "all")
    return record(spec)


def chained(run_id: str, epochs: int) -> float:
    """What a run of `epochs` behaves like when nothing interrupts it: every epoch changes the state before it."""
    state = 0.0
    for epoch in range(epochs):
        state = _trained(state, run_id, epoch)
    return state


def _trained(state: float, run_id: str, epoch: int) -> float:
    return random.Random(f"{state!r} {run_id} {epoch}").random()


def _epochs(spec: RunSpec) -> RunRecord:
    """Trains epoch by epoch from the last checkpoint on; `config.log` gets a line when an epoch begins."""
    checkpoint = last_checkpoint(spec)
    epoch, state = json.loads(checkpoint.read_text()) if checkpoint.exists() else (0, 0.0)
    checkpoint.parent.mkdir(exist_ok=True)
    while epoch < spec.config["epochs"]:
        with Path(spec.config["log"]).open("a") as log:
            log.write(f"{spec.run_id} {epoch}\n")
        time.sleep(spec.config["pause"])
        epoch, state = epoch + 1, _trained(state, spec.run_id, epoch)
        write_atomically(checkpoint, json.dumps([epoch, state]), durable=False)
    return record(spec, metrics={"val_accuracy": state})


def _environment(spec: RunSpec) -> RunRecord:
    return record(spec, provenance={"environment": dict(os.environ), "path": sys.path, "cwd": str(Path.cwd())})


def _record_then_kill(spec: RunSpec) -> RunRecord:
    """A worker that is killed between its record and its answer."""
    (Path(spec.directory) / "record.json").write_text(record(spec).to_json())
    return _kill(spec)


def _hoard(spec: RunSpec) -> RunRecord:
    hoard = [b"x" * 300_000_000]
    time.sleep(60)
    return record(spec, metrics={"val_accuracy": float(len(hoard))})


def _rendezvous(spec: RunSpec) -> RunRecord:
    """Wait for the other runs, so that each has a worker of its own."""
    Path(spec.directory, "here").touch()
    deadline = time.monotonic() + 30
    while len(list(Path(spec.directory).parent.glob("*/here"))) < spec.config["of"] and time.monotonic() < deadline:
        time.sleep(0.01)
    return record(spec, provenance={"CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES")})


BEHAVIOURS = {
    "complete": record,
    "bulky": lambda spec: record(spec, curves=[[n, "val", "loss", n / 7] for n in range(5000)], correct="A" * 4000),
    "diverged": lambda spec: record(spec, status="failed", kind="diverged", reason="diverged at epoch 1", metrics={}),
    "nan": lambda spec: record(spec, metrics={"val_accuracy": float("nan")}),
    "stranger": lambda spec: RunRecord(spec.run_id, 0, "other", "complete"),
    "sleep": _sleep,
    "heed": _heed,
    "progress": _progress,
    "error": _error,
    "exit": _exit,
    "memory": _memory,
    "cuda": _cuda,
    "kill": _kill,
    "kill_with_child": _kill_with_child,
    "kill_first": _kill_first,
    "record_then_kill": _record_then_kill,
    "hoard": _hoard,
    "rendezvous": _rendezvous,
    "print": _print,
    "registers": _registers,
    "environment": _environment,
    "epochs": _epochs,
}


def unbuildable(spec: RunSpec) -> RunRecord:
    """A preflight that one cell does not pass."""
    if spec.varied:
        raise RuntimeError("no such kernel")
    return record(spec, metrics={"seconds": 1.0, "peak_memory_mb": 1.0})


class Recorder:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, str]] = []

    def on_start(self, spec: RunSpec) -> None:
        self.events.append(("start", spec.run_id, ""))

    def on_progress(self, spec: RunSpec, progress: Any) -> None:
        self.events.append(("progress", spec.run_id, f"{progress['epoch']}/{progress['epochs']}"))

    def on_retry(self, spec: RunSpec, reason: str) -> None:
        self.events.append(("retry", spec.run_id, reason))

    def on_finish(self, spec: RunSpec, record: RunRecord) -> None:
        self.events.append(("finish", spec.run_id, record.status))

    def of(self, kind: str) -> list[str]:
        return [run_id for event, run_id, _ in self.events if event == kind]


def study(directory: str, cells: str, seeds: str, workers: str, seconds: str) -> None:
    """A whole coordinator, for processes that are killed: `python dummies.py DIR CELLS SEEDS WORKERS SECONDS`."""
    from ablate.coordinator import coordinate
    from ablate.engines import ProcessEngine
    from ablate.ledger import Ledger

    folder = Path(directory)
    runs = plan(int(cells), int(seeds), "sleep", seconds=float(seconds), log=str(folder.parent / "done.log"))
    with Ledger.open(folder, name="dummy", uid="u", objectives={"val_accuracy": "maximize"}) as ledger:
        engine = ProcessEngine("dummies:run", workers=int(workers))
        coordinate(ledger, runs, engine, SpecMaker(folder), Recorder())


if __name__ == "__main__":
    study(*sys.argv[1:])
