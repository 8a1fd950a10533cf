"""What runs spend their time on: phases that add up, told without changing anything else."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_line import ablate
from dummies import Recorder, SpecMaker, plan
from test_trial import measured, spec

from ablate import phases, trial
from ablate.coordinator import coordinate
from ablate.engines import InlineEngine
from ablate.ledger import Ledger
from ablate.phases import Clock
from ablate.profile import Profile
from ablate.records import RunRecord


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The present, in a list that the test sets."""
    now = [0.0]
    monkeypatch.setattr(phases, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    return now


def test_time_counts_for_the_phase_it_passes_in(seconds: list[float]) -> None:
    clock = Clock("start")
    seconds[0] = 1.0
    with clock.phase("fit"):
        seconds[0] = 3.0
        clock.enter("steps")
        seconds[0] = 7.0
    seconds[0] = 7.5

    assert clock.stop() == {"start": 1.5, "fit": 2.0, "steps": 4.0}


def test_an_exception_ends_its_phase(seconds: list[float]) -> None:
    clock = Clock("start")
    with pytest.raises(ValueError), clock.phase("fit"):
        clock.enter("steps")
        seconds[0] = 2.0
        raise ValueError
    seconds[0] = 3.0

    assert clock.stop() == {"start": 1.0, "fit": 0.0, "steps": 2.0}


def test_a_profiled_run_is_the_run_it_would_have_been(tmp_path: Path) -> None:
    plain = trial.run(spec(tmp_path / "plain"))
    asked = spec(tmp_path / "profiled")
    record = trial.run(replace(asked, execution=asked.execution | {"profile": True}))

    assert plain.profile == {}
    assert (measured(record), record.curves, record.layers) == (measured(plain), plain.curves, plain.layers)
    phases_of_a_run = {"network", "data", "first step", "training steps", "validation", "checkpoints", "test"}
    assert phases_of_a_run < record.profile.keys()
    assert all(value >= 0 for value in record.profile.values())
    within = ("first step", "training steps", "validation", "checkpoints")
    assert sum(record.profile[phase] for phase in within) <= record.metrics["train_seconds"]  # type: ignore[operator]


def test_the_profile_has_every_phase_of_every_run_and_what_comes_on_top(tmp_path: Path) -> None:
    profile = Profile()
    with Ledger.open(tmp_path, name="dummy", uid="u", objectives={"val_accuracy": "maximize"}) as ledger:
        engine = profile.watched(InlineEngine("dummies:profiled"))
        coordinate(ledger, plan(3, 1), engine, SpecMaker(tmp_path), Recorder(), clock=profile.clock)
        profile.collect(ledger)
    profile.write(tmp_path / "profile.csv")

    rows = list(csv.DictReader((tmp_path / "profile.csv").open()))
    told = [(row["run_id"], row["phase"], float(row["seconds"])) for row in rows if row["phase"] == "training steps"]
    assert told == [(f"c{n}-0", "training steps", 0.0) for n in range(3)]
    assert {row["phase"] for row in rows if row["run_id"] == "c0-0"} == {"training steps", "network", "worker"}
    assert [row["phase"] for row in rows if row["run_id"] == "coordinator"] == ["ledger"]
    names = [phase for phase, _, _ in profile.table()]
    assert (names[0], set(names[1:3]), names[3]) == ("worker", {"training steps", "network"}, "ledger")
    beyond = profile.beyond_steps()
    assert beyond is not None and beyond > 0


def test_the_ledger_does_not_keep_the_phases(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, name="dummy", uid="u", objectives={"val_accuracy": "maximize"}) as ledger:
        coordinate(ledger, plan(1, 1), InlineEngine("dummies:profiled"), SpecMaker(tmp_path), Recorder())
        summary = ledger.state("c0-0").summary
        record = ledger.record("c0-0")

    assert summary is not None and summary.profile == {}
    assert record is not None and record.profile.keys() == {"training steps", "network"}


def test_records_from_before_there_were_profiles_are_read() -> None:
    text = RunRecord("c0-0", 0, "t", "complete").to_json()
    older = {key: value for key, value in json.loads(text).items() if key != "profile"}

    assert RunRecord.from_json(json.dumps(older)).profile == {}


def test_the_command_prints_the_table_and_writes_it_beside_the_study(tmp_path: Path) -> None:
    small = ["seeds=1", "training.epochs=1", "axes={residual: [plain]}", "model={timesteps: 1, width: 2}"]
    done = ablate("run", "quickstart", *small, "--profile", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Where the time went" in done.stdout
    assert "A run beyond its training steps:" in done.stdout
    rows = list(csv.DictReader((tmp_path / "studies" / "quickstart" / "profile.csv").open()))
    assert len({row["run_id"] for row in rows}) == 3
