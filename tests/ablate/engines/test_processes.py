from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import dummies
import pytest
from waiting import begun, gone, until

from ablate.engines import ProcessEngine, WorkerDied


@pytest.fixture
def start() -> Iterator[Callable[..., ProcessEngine]]:
    made: list[ProcessEngine] = []

    def start_(**options: object) -> ProcessEngine:
        made.append(ProcessEngine("dummies:run", **options))  # type: ignore[arg-type]
        return made[-1]

    yield start_
    for engine in made:
        engine.shutdown(cancel=True)


def test_a_worker_serves_many_runs(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start(workers=2)
    futures = [engine.submit(dummies.spec(tmp_path, run_id=f"c0-{n}")) for n in range(30)]
    pids = {future.result(timeout=30).metrics["pid"] for future in futures}
    assert 1 <= len(pids) <= 2 and os.getpid() not in pids


def test_shutdown_waits_for_a_run_whose_worker_is_not_started_yet(
    start: Callable[..., ProcessEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is busy when the engine starts."""
    started = ProcessEngine._started

    def late(engine: ProcessEngine, device: Mapping[str, str]) -> object:
        until(lambda: engine._closed)
        return started(engine, device)

    monkeypatch.setattr(ProcessEngine, "_started", late)
    engine = start(workers=1)
    future = engine.submit(dummies.spec(tmp_path))
    engine.shutdown(cancel=False)
    assert future.result(timeout=0).status == "complete"


def test_a_killed_worker_fails_its_run_alone_and_is_replaced(
    start: Callable[..., ProcessEngine], tmp_path: Path
) -> None:
    engine = start(workers=1)
    first = engine.submit(dummies.spec(tmp_path, run_id="c0-0"))
    killed = engine.submit(dummies.spec(tmp_path, "kill", run_id="c0-1"))
    after = engine.submit(dummies.spec(tmp_path, run_id="c0-2"))
    with pytest.raises(WorkerDied, match=r"^worker killed by signal 9; its last line: about to die$"):
        killed.result(timeout=30)
    assert after.result(timeout=30).metrics["pid"] != first.result(timeout=30).metrics["pid"]


def test_a_worker_killed_from_outside_in_the_middle_of_a_run_is_noticed(
    start: Callable[..., ProcessEngine], tmp_path: Path
) -> None:
    future = start().submit(dummies.spec(tmp_path, "sleep"))
    os.kill(begun(tmp_path), signal.SIGKILL)
    with pytest.raises(WorkerDied, match="killed by signal 9"):
        future.result(timeout=10)


def test_a_forked_child_does_not_hide_the_death_of_its_worker(
    start: Callable[..., ProcessEngine], tmp_path: Path
) -> None:
    """A data loader's processes inherit the result pipe; they are ended with the worker."""
    future = start().submit(dummies.spec(tmp_path, "kill_with_child"))
    with pytest.raises(WorkerDied, match="killed by signal 9"):
        future.result(timeout=10)


def test_an_idle_worker_that_was_killed_costs_no_run(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start()
    pid = engine.submit(dummies.spec(tmp_path)).result(timeout=30).metrics["pid"]
    os.kill(int(pid or 0), signal.SIGKILL)
    until(lambda: gone(int(pid or 0)))
    assert engine.submit(dummies.spec(tmp_path)).result(timeout=30).status == "complete"


def test_a_lack_of_memory_gets_a_fresh_worker(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start()
    first = engine.submit(dummies.spec(tmp_path)).result(timeout=30)
    engine.submit(dummies.spec(tmp_path, "memory")).result(timeout=30)
    assert engine.submit(dummies.spec(tmp_path)).result(timeout=30).metrics["pid"] != first.metrics["pid"]


def test_all_output_of_a_run_goes_to_its_own_log(
    start: Callable[..., ProcessEngine], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    engine = start()
    for run_id in ("c0-0", "c0-1"):
        given = engine.submit(dummies.spec(tmp_path, "print", run_id=run_id)).result(timeout=30)
        assert given.metrics["stdin"] == 0
        lines = (tmp_path / "runs" / run_id / "log.txt").read_text().splitlines()
        assert lines[0].startswith("--- attempt 0, process ")
        assert sorted(lines[1:]) == [f"child {run_id}", f"err {run_id}", f"out {run_id}"]
    assert capfd.readouterr() == ("", "")


def test_workers_have_one_thread_when_there_are_several_and_inherit_the_path(
    start: Callable[..., ProcessEngine], tmp_path: Path
) -> None:
    engine = start(workers=2, environment={"EXTRA": "1"})
    given = engine.submit(dummies.spec(tmp_path, "environment")).result(timeout=30)
    environment = given.provenance["environment"]
    assert (environment["OMP_NUM_THREADS"], environment["MKL_NUM_THREADS"], environment["EXTRA"]) == ("1", "1", "1")
    assert {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"} <= environment.keys()
    assert given.provenance["cwd"] == str(Path.cwd())
    assert [entry for entry in sys.path if entry and entry not in given.provenance["path"]] == []


def test_cancelling_ends_all_workers_and_what_was_queued(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start(workers=2)
    futures = [engine.submit(dummies.spec(tmp_path, "sleep", run_id=f"c0-{n}")) for n in range(4)]
    pids = [begun(tmp_path, "c0-0"), begun(tmp_path, "c0-1")]
    engine.shutdown(cancel=True)
    assert all(gone(pid) for pid in pids)
    assert [future.cancelled() for future in futures] == [False, False, True, True]
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="shut down"):
        engine.submit(dummies.spec(tmp_path))


def test_a_worker_ends_by_its_closed_stdin_alone(tmp_path: Path) -> None:
    """Where the kernel does not end it with its parent, the end of the stream of specs does, even within a run."""
    read, write = os.pipe()
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "ablate.engines.worker", "dummies:run", str(write), str(os.getpid())],
        stdin=subprocess.PIPE,
        pass_fds=[write],
        env=environment,
        start_new_session=True,
    )
    os.close(write)
    assert worker.stdin is not None
    worker.stdin.write(dummies.spec(tmp_path, "sleep").to_json().encode() + b"\n")
    worker.stdin.flush()
    begun(tmp_path)
    worker.stdin.close()
    assert worker.wait(timeout=5) == -signal.SIGKILL
    os.close(read)


def test_a_worker_without_work_ends_well_and_does_what_was_registered_for_the_end(
    start: Callable[..., ProcessEngine], tmp_path: Path
) -> None:
    engine = start()
    spec = dummies.spec(tmp_path, "registers")
    engine.submit(spec).result(timeout=30)
    engine.shutdown(cancel=False)
    assert (Path(spec.directory) / "ended").read_text() == "all"


def test_a_worker_that_cannot_start_says_why(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    nowhere = ("PYTHONHOME", "PYTHONPATH")
    future = start(environment=dict.fromkeys(nowhere, str(tmp_path))).submit(dummies.spec(tmp_path))
    with pytest.raises(WorkerDied) as raised:
        future.result(timeout=10)
    assert raised.value.reason == "ended with exit code 1"
    assert "No module named" in raised.value.log_tail


def test_workers_take_the_gpus_in_turn(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start(workers=3, gpus=("2", "5"))
    futures = [engine.submit(dummies.spec(tmp_path, "rendezvous", run_id=f"c0-{n}", of=3)) for n in range(3)]
    seen = [future.result(timeout=30).provenance["CUDA_VISIBLE_DEVICES"] for future in futures]
    assert sorted(seen) == ["2", "2", "5"]


def test_no_run_is_lost_while_workers_die(start: Callable[..., ProcessEngine], tmp_path: Path) -> None:
    engine = start(workers=3)
    kinds = ["complete", "kill", "error"] * 6
    futures = [engine.submit(dummies.spec(tmp_path, kind, run_id=f"c0-{n}")) for n, kind in enumerate(kinds)]
    found = []
    for future in futures:
        error = future.exception(timeout=30)
        assert error is None or isinstance(error, WorkerDied)
        found.append("kill" if error else future.result().kind or future.result().status)
    assert found == kinds
