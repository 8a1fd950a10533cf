from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dummies
import psutil
import pytest
from dummies import DummyRun, Recorder, SpecMaker, plan

from ablate.coordinator import Interrupted, Summary, coordinate
from ablate.engines import Engine, InlineEngine, ProcessEngine
from ablate.errors import StudyError
from ablate.ledger import Ledger
from ablate.lock import LockLostError
from ablate.records import RunRecord, RunSpec

Opener = Callable[..., Ledger]


def worked(
    ledger: Ledger,
    runs: list[DummyRun],
    engine: Engine | None = None,
    listener: Recorder | None = None,
    retries: int = 2,
) -> Summary:
    engine = engine or ProcessEngine("dummies:run", workers=2)
    return coordinate(ledger, runs, engine, SpecMaker(ledger.directory), listener or Recorder(), retries=retries)


def logged(study: Path) -> Counter[str]:
    """Run id -> how often it came to its end."""
    log = study.parent / "done.log"
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def begin(study: Path, *, cells: int, seeds: int, workers: int, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, dummies.__file__, study, str(cells), str(seeds), str(workers), str(seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.Popen([str(each) for each in command], env=environment, stderr=subprocess.PIPE)


def until(condition: Callable[[], object], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_missing_runs_are_done_and_booked(opened: Opener) -> None:
    with opened() as ledger:
        summary = worked(ledger, plan(2, 3))
        assert (summary.planned, summary.complete, summary.attempts) == (6, 6, 6)
        assert {state.status for state in ledger.states().values()} == {"complete"}


def test_a_finished_study_runs_nothing(opened: Opener, study: Path) -> None:
    runs = plan(2, 2, log=str(study.parent / "done.log"))
    for expected in (4, 0):
        with opened() as ledger:
            assert worked(ledger, runs).attempts == expected
    assert set(logged(study).values()) == {1}


def test_seed_blocks_are_done_one_after_the_other(opened: Opener) -> None:
    listener = Recorder()
    with opened() as ledger:
        worked(ledger, plan(3, 3), InlineEngine("dummies:run"), listener)
    assert listener.of("start") == [f"c{cell}-{seed}" for seed in range(3) for cell in range(3)]


def test_a_crash_is_retried_within_its_budget_in_a_fresh_worker(opened: Opener) -> None:
    listener = Recorder()
    with opened() as ledger:
        summary = worked(ledger, plan(1, 1, "kill_first"), listener=listener)
        assert (summary.complete, summary.attempts) == (1, 2)
        assert ledger.states()["c0-0"].attempts == 2
    assert [event[0] for event in listener.events] == ["start", "retry", "start", "finish"]


def test_a_crash_beyond_its_budget_fails_with_the_reason(opened: Opener) -> None:
    with opened() as ledger:
        summary = worked(ledger, plan(1, 1, "kill"), retries=1)
        state = ledger.states()["c0-0"]
        assert (summary.failed, state.status, state.kind, state.attempts) == (1, "failed", "crash", 2)
        assert state.reason == "worker killed by signal 9; its last line: about to die"
    with opened() as ledger:
        assert worked(ledger, plan(1, 1, "kill"), retries=1).attempts == 0


@pytest.mark.parametrize("behaviour", ["error", "diverged"])
def test_errors_and_divergence_are_not_repeated_by_themselves(opened: Opener, behaviour: str) -> None:
    runs = plan(1, 1, behaviour)
    for _ in range(2):
        with opened() as ledger:
            assert worked(ledger, runs, InlineEngine("dummies:run")).failed == 1
            assert ledger.states()["c0-0"].attempts == 1


def test_a_failed_run_is_repeated_on_request(opened: Opener) -> None:
    with opened() as ledger:
        worked(ledger, plan(2, 1, "error"), InlineEngine("dummies:run"))
        assert ledger.retry_failed(plan(2, 1)) == 2
        assert worked(ledger, plan(2, 1), InlineEngine("dummies:run")).complete == 2


def test_a_retry_that_a_dead_coordinator_did_not_book_is_made_up_for(opened: Opener) -> None:
    runs = plan(1, 1)
    with opened() as ledger:
        ledger.sync(runs)
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, RunRecord("c0-0", 0, attempt.token, "failed", reason="killed", kind="crash"))
    with opened() as ledger:
        assert worked(ledger, runs, InlineEngine("dummies:run")).complete == 1


def test_progress_is_told_once_per_change(opened: Opener) -> None:
    listener = Recorder()
    with opened() as ledger:
        worked(ledger, plan(1, 1, "progress"), listener=listener)
    assert listener.events == [("start", "c0-0", ""), ("progress", "c0-0", "1/2"), ("finish", "c0-0", "complete")]


def test_eight_workers_run_none_twice_and_miss_none(opened: Opener, study: Path, url: str | None) -> None:
    runs = plan(25, 4, log=str(study.parent / "done.log"))
    with opened(url=url) as ledger:
        assert worked(ledger, runs, ProcessEngine("dummies:run", workers=8)).complete == 100
    assert logged(study) == Counter({run.run_id: 1 for run in runs})


def test_ctrl_c_stops_cleanly_and_the_study_goes_on_later(opened: Opener, looked: Opener) -> None:
    runs = [*plan(1, 2), DummyRun("s-2", plan(2, 1, "sleep")[1].cell, 2)]
    listener = Recorder()

    def press() -> None:
        until(lambda: len(listener.of("finish")) == 2)
        os.kill(os.getpid(), signal.SIGINT)

    with opened() as ledger:
        threading.Thread(target=press).start()
        with pytest.raises(Interrupted, match="2 of 3 runs are complete") as raised:
            worked(ledger, runs, listener=listener)
        assert [spec.run_id for spec in raised.value.stopped] == ["s-2"]
        assert (raised.value.summary.complete, raised.value.summary.missing) == (2, 1)
        assert (ledger.states()["s-2"].status, ledger.states()["s-2"].reason) == ("missing", "interrupted")
    again = [*plan(1, 2), DummyRun("s-2", plan(2, 1)[1].cell, 2)]
    with opened() as ledger:
        assert worked(ledger, again).attempts == 1


def test_ctrl_c_reaches_a_run_in_this_process(opened: Opener) -> None:
    with opened() as ledger:
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        with pytest.raises(Interrupted):
            worked(ledger, plan(1, 1, "sleep"), InlineEngine("dummies:run"))
        assert ledger.states()["c0-0"].status == "missing"


def test_a_coordinator_that_was_taken_over_books_nothing_more(opened: Opener, study: Path) -> None:
    class Usurped(Recorder):
        def on_start(self, spec: RunSpec) -> None:
            newest = max(study.glob("lock.*"))
            (study / "lock.99").write_bytes(newest.read_bytes())

    with opened() as ledger:
        with pytest.raises(LockLostError, match="taken over by process"):
            worked(ledger, plan(1, 1), listener=Usurped())
        (study / "lock.99").write_text("")
    with opened() as ledger:
        assert ledger.states()["c0-0"].status in ("complete", "missing")


def test_a_folder_that_cannot_be_made_stops_with_one_line(opened: Opener, study: Path) -> None:
    with opened() as ledger:
        (study / "runs").write_text("in the way")
        with pytest.raises(StudyError, match=r"runs/c0-0: Not a directory; what was booked is kept"):
            worked(ledger, plan(1, 1))


def test_a_killed_coordinator_is_resumed_to_exactly_the_missing_runs(opened: Opener, study: Path) -> None:
    """Killed at random moments until the study is whole: nothing booked is repeated, and no run is lost."""
    runs = plan(4, 5, "sleep", seconds=0.05, log=str(study.parent / "done.log"))
    moments = random.Random(0)
    booked: set[str] = set()
    for _ in range(4):
        done = logged(study)
        process = begin(study, cells=4, seeds=5, workers=2, seconds=0.05)
        target = done.total() + moments.randint(1, 4)
        until(lambda target=target: logged(study).total() >= target)  # type: ignore[misc]
        time.sleep(moments.random() * 0.05)
        process.kill()
        process.communicate()
        assert all(logged(study)[run_id] == done[run_id] for run_id in booked)
        with opened() as ledger:
            states = ledger.states()
            assert len(states) == 20 and {state.status for state in states.values()} <= {"complete", "missing"}
            booked = {run_id for run_id, state in states.items() if state.status == "complete"}
            assert booked <= logged(study).keys()
    with opened() as ledger:
        done = logged(study)
        assert worked(ledger, runs).complete == 20
    assert all(logged(study)[run_id] == done[run_id] for run_id in booked)
    assert logged(study).keys() == {run.run_id for run in runs}


def test_a_live_coordinator_refuses_a_second_one_and_both_killed_ends_are_resumed(opened: Opener, study: Path) -> None:
    process = begin(study, cells=2, seeds=2, workers=2, seconds=0.4)
    until(lambda: (study / "runs").exists())
    with pytest.raises(StudyError, match=f"process {process.pid} on "):
        opened()
    children = psutil.Process(process.pid).children()
    for victim in (*children, psutil.Process(process.pid)):
        victim.kill()
    process.communicate()
    with opened() as ledger:
        assert worked(ledger, plan(2, 2)).complete == 4


def test_a_worker_killed_in_the_middle_of_a_study_costs_an_attempt_and_no_run(study: Path, opened: Opener) -> None:
    process = begin(study, cells=2, seeds=2, workers=2, seconds=0.4)
    until(lambda: len(list(study.glob("runs/*/log.txt"))) == 2)
    psutil.Process(process.pid).children()[0].kill()
    assert process.wait(timeout=30) == 0
    process.communicate()
    with opened() as ledger:
        states = ledger.states().values()
        assert {state.status for state in states} == {"complete"}
        assert sorted(state.attempts for state in states) == [1, 1, 1, 2]
