"""What every engine promises, with real runs. A new engine joins by a line in ENGINES."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import dummies
import pytest

from ablate.engines import Engine, InlineEngine, ProcessEngine
from ablate.records import RunRecord

ENGINES: dict[str, Callable[[str], Engine]] = {
    "inline": InlineEngine,
    "one worker": lambda function: ProcessEngine(function, workers=1),
    "workers": lambda function: ProcessEngine(function, workers=3),
}


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., Engine]]:
    made: list[Engine] = []

    def make_(function: str = "dummies:run") -> Engine:
        made.append(ENGINES[request.param](function))
        return made[-1]

    yield make_
    for engine in made:
        engine.shutdown(cancel=True)


def ran(engine: Engine, directory: Path, behaviour: str, **config: Any) -> RunRecord:
    return engine.submit(dummies.spec(directory, behaviour, **config)).result(timeout=30)


def test_a_future_gives_the_record_of_its_own_run(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make()
    names = [f"c0-{n}" for n in range(20)]
    futures = [engine.submit(dummies.spec(tmp_path, run_id=name)) for name in names]
    assert [future.result(timeout=30).run_id for future in futures] == names


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


def test_a_lack_of_memory_is_a_crash(make: Callable[..., Engine], tmp_path: Path) -> None:
    engine = make()
    assert ran(engine, tmp_path, "memory").kind == "crash"
    assert ran(engine, tmp_path, "complete").status == "complete"


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
        engine.submit(dummies.spec(tmp_path, "sleep", run_id=f"c0-{n}", seconds=0.05)) for n in range(5)
    ]
    engine.shutdown(cancel=False)
    assert all(future.done() and future.result().status == "complete" for future in futures)
