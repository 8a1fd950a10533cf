"""What SLURM is told, and what becomes of a study when a job or the coordinator ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dummies
import pytest
import slurm_double
from waiting import begun, gone, until

from ablate.coordinator import coordinate
from ablate.engines import WorkerDied
from ablate.engines import slurm as engine_module
from ablate.engines.settings import EngineSettings
from ablate.engines.slurm import SlurmEngine
from ablate.engines.slurm_session import Session, Watch
from ablate.errors import StudyError
from ablate.ledger import Ledger


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    commands = slurm_double.install(tmp_path / "cluster")
    monkeypatch.setenv("PATH", str(commands), prepend=os.pathsep)
    for times in (engine_module._LOOK_SECONDS, engine_module._ASK_SECONDS):
        monkeypatch.setitem(times, "slurm", 0.1)
    return tmp_path / "cluster"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SlurmEngine]]:
    made: list[SlurmEngine] = []

    def start_(**fields: Any) -> SlurmEngine:
        settings = EngineSettings.model_validate({"name": "slurm"} | fields)
        made.append(SlurmEngine("dummies:run", tmp_path / "slurm", settings, workers=2))
        return made[-1]

    yield start_
    for engine in made:
        engine.shutdown(cancel=True)


def test_what_is_submitted_together_is_one_array_with_the_studys_wishes(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path
) -> None:
    engine = start(
        threads=3, gpus_per_run=1, memory_gb=8, slurm={"partition": "gpu", "minutes": 90, "setup": ["echo ready"]}
    )
    futures = [engine.submit(dummies.spec(tmp_path, run_id=f"c0-{n}")) for n in range(3)]

    assert [future.result(timeout=60).run_id for future in futures] == ["c0-0", "c0-1", "c0-2"]

    (job,) = cluster.glob("job-*")
    told = {line.removeprefix("#SBATCH --") for line in job.read_text().splitlines() if line.startswith("#SBATCH")}
    wanted = {"array=0-2%2", "partition=gpu", "time=90", "mem=8GB", "cpus-per-task=3", "gpus-per-node=1", "no-requeue"}
    assert wanted <= told
    assert "echo ready" in job.read_text().splitlines()


@pytest.mark.parametrize(("listed", "state"), [("1|TIMEOUT\n", "TIMEOUT"), ("2|RUNNING\n", "UNKNOWN")])
def test_a_job_that_slurm_ended_is_a_dead_worker_with_its_state_and_is_cancelled_for_good(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path, listed: str, state: str
) -> None:
    future = start().submit(dummies.spec(tmp_path, "sleep"))
    worker = begun(tmp_path)
    os.kill(worker, signal.SIGKILL)
    (cluster / "states").write_text(listed)

    with pytest.raises(WorkerDied, match=f"^worker ended in state {state} without a record") as death:
        future.result(timeout=30)

    assert f"process {worker}" in death.value.log_tail
    assert (cluster / "cancelled").read_text().split() == ["1"]


def test_a_job_that_slurm_tells_to_end_leaves_the_reason_to_slurms_state(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path
) -> None:
    future = start().submit(dummies.spec(tmp_path, "heed"))
    worker = begun(tmp_path)
    until(lambda: "sleeping" in (tmp_path / "runs/c0-0/log.txt").read_text())
    for told in (signal.SIGCONT, signal.SIGTERM):
        os.kill(worker, told)
    until(lambda: gone(worker))
    (cluster / "states").write_text("1|PREEMPTED\n")
    with pytest.raises(WorkerDied, match=r"^worker ended in state PREEMPTED .* its last line: sleeping$"):
        future.result(timeout=30)


def test_jobs_of_an_array_that_were_cancelled_before_they_began_share_a_line(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path
) -> None:
    engine = start(slurm={"setup": ["exit 0"]})
    futures = [engine.submit(dummies.spec(tmp_path, run_id=f"c0-{n}")) for n in range(2)]
    until(lambda: (cluster / "states").read_text().count("RUNNING") == 2)
    (cluster / "states").write_text("1|CANCELLED\n")
    for future in futures:
        with pytest.raises(WorkerDied, match=r"^worker ended in state CANCELLED"):
            future.result(timeout=30)


def test_a_scheduler_that_does_not_answer_for_a_while_costs_no_run(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path
) -> None:
    (cluster / "unreachable").touch()
    assert start().submit(dummies.spec(tmp_path, "sleep", seconds=1)).result(timeout=60).status == "complete"


def test_a_coordinator_that_is_a_job_itself_keeps_its_own_variables_from_those_that_it_submits(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"JOB_ID": "77", "MEM_PER_CPU": "500", "ARRAY_JOB_ID": "70", "ARRAY_TASK_ID": "3", "CONF": "/etc/slurm.conf"}
    for name, value in own.items():
        monkeypatch.setenv(f"SLURM_{name}", value)

    given = start(memory_gb=1).submit(dummies.spec(tmp_path, "environment")).result(timeout=60)

    seen = given.provenance["environment"]
    assert "SLURM_MEM_PER_CPU" not in seen and seen["SLURM_CONF"] == "/etc/slurm.conf"
    assert os.environ["SLURM_MEM_PER_CPU"] == "500"


def test_a_queue_that_takes_no_jobs_ends_the_study_and_leaves_it_whole(
    cluster: Path, start: Callable[..., SlurmEngine], opened: Callable[..., Ledger]
) -> None:
    engine = start(slurm={"partition": "refused"})
    with opened() as ledger, pytest.raises(StudyError, match=r"engine: slurm takes no jobs .*invalid partition"):
        coordinate(ledger, dummies.plan(1, 1), engine, dummies.SpecMaker(ledger.directory), dummies.Recorder())
    with opened() as ledger:
        ledger.sync(dummies.plan(1, 1))
        assert ledger.states()["c0-0"].status == "missing"


def test_what_a_killed_coordinator_left_in_the_queue_is_cancelled_by_the_next(
    cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path
) -> None:
    left = Session(tmp_path / "slurm" / "engine-earlier")
    left.remember(["41_0", "41_1", "42"])

    start()

    assert (cluster / "cancelled").read_text().split() == ["--quiet", "41", "42"]
    assert not left.alive.exists()


def test_a_job_whose_engine_is_gone_before_it_began_does_nothing(tmp_path: Path) -> None:
    from ablate.engines.slurm_job import attempt

    spec = dummies.spec(tmp_path)
    attempt("dummies:run", spec.to_json(), str(tmp_path / "alive.json"), [])
    assert not list(Path(spec.directory).iterdir())


def test_an_engine_on_another_host_is_believed_dead_when_it_stops_renewing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(tmp_path / "engine-1")
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    watch = Watch(session.alive, lease=0.2)
    assert watch.engine_lives()
    until(lambda: not watch.engine_lives(), seconds=5)
    os.utime(session.alive, ns=(1, 1))
    assert watch.engine_lives()
    session.end()
    assert not watch.engine_lives()


def test_cancelling_ends_jobs_that_run(cluster: Path, start: Callable[..., SlurmEngine], tmp_path: Path) -> None:
    engine = start()
    engine.submit(dummies.spec(tmp_path, "sleep"))
    worker = begun(tmp_path)
    engine.shutdown(cancel=True)
    assert (cluster / "cancelled").read_text().split() == ["--quiet", "1"]
    until(lambda: gone(worker), seconds=10)
