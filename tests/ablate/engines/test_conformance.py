"""What every engine promises, with real runs. A new engine joins by a line in ENGINES."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import dummies
import pytest
from waiting import begun, gone, until

from ablate.coordinator import coordinate
from ablate.engines import Engine, InlineEngine, ProcessEngine, WorkerDied
from ablate.engines.ray import RayEngine
from ablate.engines.settings import EngineSettings, SlurmSettings
from ablate.engines.slurm import SlurmEngine
from ablate.ledger import Ledger
from ablate.records import RunRecord

Builder = Callable[[str, Path], Engine]

ENGINES: dict[str, Builder] = {
    "inline": lambda function, _: InlineEngine(function),
    "one worker": lambda function, _: ProcessEngine(function, workers=1),
    "workers": lambda function, _: ProcessEngine(function, workers=3),
    "ray": lambda function, _: RayEngine(function, workers=2),
    "slurm": lambda function, folder: SlurmEngine(function, folder / "slurm", LOCAL_SLURM, workers=2),
}
LOCAL_SLURM = EngineSettings(name="slurm", slurm=SlurmSettings(cluster="local"))
IN_WORKERS = ("one worker", "ray", "slurm")


@pytest.fixture(params=ENGINES)
def kind(request: pytest.FixtureRequest) -> str:
    if request.param == "ray":
        request.getfixturevalue("ray_on_this_machine")
    return str(request.param)


@pytest.fixture
def many(kind: str) -> int:
    """How many runs: every job of SLURM is two processes, which is slow to no purpose here."""
    return 3 if kind == "slurm" else 20


@pytest.fixture
def make(kind: str, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make_(function: str = "dummies:run") -> Engine:
        made.append(ENGINES[kind](function, tmp_path))
        return made[-1]

    yield make_
    for engine in made:
        engine.shutdown(cancel=True)


def ran(engine: Engine, directory: Path, behaviour: str, **config: Any) -> RunRecord:
    return engine.submit(dummies.spec(directory, behaviour, **config)).result(timeout=120)


def test_a_future_gives_the_record_of_its_own_run(make: Callable[..., Engine], tmp_path: Path, many: int) -> None:
    engine = make()
    names = [f"c0-{n}" for n in range(many)]
    futures = [engine.submit(dummies.spec(tmp_path, run_id=name)) for name in names]
    assert [future.result(timeout=120).run_id for future in futures] == names


def test_the_record_lies_in_the_folder_of_the_run(make: Callable[..., Engine], tmp_path: Path) -> None:
    given = ran(make(), tmp_path, "bulky")
    assert len(given.curves) == 5000
    assert RunRecord.from_json((tmp_path / "runs/c0-0/record.json").read_text()) == given


def test_an_exception_is_a_failed_record_with_one_line_and_its_traceback_in_the_log(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    given = ran(make(), tmp_path, "error")
    assert (given.status, given.kind) == ("failed", "error")
    assert given.reason == "ValueError: the first line and the second"
    log = (tmp_path / "runs/c0-0/log.txt").read_text()
    assert "Traceback" in log and "in _error" in log


def test_a_run_that_exits_is_a_failed_record(make: Callable[..., Engine], tmp_path: Path) -> None:
    given = ran(make(), tmp_path, "exit")
    assert (given.status, given.kind, given.reason) == ("failed", "error", "SystemExit: 3")


@pytest.mark.parametrize("behaviour", ["memory", "cuda"])
def test_a_lack_of_memory_is_a_crash_and_so_is_a_lost_gpu(
    make: Callable[..., Engine], tmp_path: Path, behaviour: str
) -> None:
    """Both want a fresh process: CUDA refuses all that is asked of it after an error."""
    engine = make()
    assert ran(engine, tmp_path, behaviour).kind == "crash"
    assert ran(engine, tmp_path, "complete", run_id="c0-1").status == "complete"


def test_a_record_of_another_run_is_refused(make: Callable[..., Engine], tmp_path: Path) -> None:
    given = ran(make(), tmp_path, "stranger")
    assert (given.token, given.status) == ("t", "failed")
    assert given.reason.startswith("TypeError: dummies:run must return the RunRecord of run c0-0")


def test_non_finite_numbers_cross(make: Callable[..., Engine], tmp_path: Path) -> None:
    value = ran(make(), tmp_path, "nan").metrics["val_accuracy"]
    assert value is not None and math.isnan(value)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("nowhere:run", "ModuleNotFoundError: No module named 'nowhere'"),
        ("dummies:absent", "ValueError: trial function 'dummies:absent': dummies has no function 'absent'"),
        ("dummies.run", "ValueError: trial function 'dummies.run': a name of the form package.module:function"),
    ],
)
def test_a_function_that_cannot_be_found_fails_the_run_with_the_reason(
    make: Callable[..., Engine], tmp_path: Path, function: str, reason: str
) -> None:
    given = ran(make(function), tmp_path, "complete")
    assert (given.status, given.kind) == ("failed", "error")
    assert given.reason.startswith(reason)


def test_shutdown_waits_for_what_was_submitted(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make()
    futures: list[Future[RunRecord]] = [
        engine.submit(dummies.spec(tmp_path, "sleep", run_id=f"c0-{n}", seconds=0.05)) for n in range(3)
    ]
    engine.shutdown(cancel=False)
    assert all(future.done() and future.result().status == "complete" for future in futures)


@pytest.mark.parametrize("kind", IN_WORKERS, indirect=True)
def test_a_worker_that_is_killed_fails_its_run_alone_and_an_earlier_attempts_record_is_not_taken_for_its_own(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = make()
    stale = dummies.record(dummies.spec(tmp_path)).to_json().replace('"token": "t"', '"token": "earlier"')
    (tmp_path / "runs/c0-0/record.json").write_text(stale)
    future = engine.submit(dummies.spec(tmp_path, "sleep"))

    os.kill(begun(tmp_path), signal.SIGKILL)

    with pytest.raises(WorkerDied) as death:
        future.result(timeout=120)
    assert death.value.log_tail.startswith("--- attempt 0, process ")
    assert ran(engine, tmp_path, "complete", run_id="c0-1").status == "complete"


@pytest.mark.parametrize("kind", IN_WORKERS, indirect=True)
def test_a_record_that_was_left_counts_even_if_its_worker_died_before_it_could_answer(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    assert ran(make(), tmp_path, "record_then_kill").status == "complete"


@pytest.mark.parametrize("kind", IN_WORKERS, indirect=True)
def test_a_run_that_takes_more_memory_than_it_may_is_ended_and_says_so(
    make: Callable[..., Engine], tmp_path: Path
) -> None:
    spec = replace(dummies.spec(tmp_path, "hoard"), execution={"memory_gb": 0.25})

    given = make().submit(spec).result(timeout=120)

    assert (given.status, given.kind) == ("failed", "crash")
    assert given.reason.startswith("out of memory: ") and given.reason.endswith("engine.memory_gb allows 0.25")
    assert given.reason in (tmp_path / "runs/c0-0/log.txt").read_text()


@pytest.mark.parametrize("kind", IN_WORKERS, indirect=True)
def test_cancelling_ends_what_runs_and_settles_every_future(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make()
    futures = [engine.submit(dummies.spec(tmp_path, "sleep", run_id=f"c0-{n}")) for n in range(2)]
    worker = begun(tmp_path)

    engine.shutdown(cancel=True)

    until(lambda: gone(worker), seconds=5)
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="shut down"):
        engine.submit(dummies.spec(tmp_path))


@pytest.mark.parametrize("kind", IN_WORKERS, indirect=True)
def test_the_coordinator_retries_a_crash_as_an_attempt_of_its_own_in_a_fresh_worker(
    make: Callable[..., Engine], opened: Callable[..., Ledger]
) -> None:
    listener = dummies.Recorder()
    with opened() as ledger:
        summary = coordinate(
            ledger, dummies.plan(1, 1, "kill_first"), make(), dummies.SpecMaker(ledger.directory), listener
        )
        assert (summary.complete, summary.attempts) == (1, 2)
        assert ledger.states()["c0-0"].attempts == 2
    assert [event[0] for event in listener.events] == ["start", "retry", "start", "finish"]
