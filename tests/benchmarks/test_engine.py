"""What the engine costs: at most 50 ms a run on the journal; the status of 10,000 runs in at most 2 s; a run beyond its
training steps at most 0.4 s.

500 trivial runs by eight workers on each storage, none twice and none missing. Run with `pytest tests/benchmarks`
(extra `bench`); timings are no part of the test suite.
"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "ablate"))

from dummies import Recorder, SpecMaker, plan, record
from servers import fresh_database, running

from ablate import study_directory, workflow
from ablate.coordinator import coordinate
from ablate.engines import ProcessEngine
from ablate.ledger import Ledger
from ablate.specs import Specs

RUNS = 500
OPTIONS: dict[str, Any] = {"name": "dummy", "uid": "u", "objectives": {"val_accuracy": "maximize"}}


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("postgres")) as url:
        yield url


@pytest.mark.parametrize("storage", ["journal", "sqlite", "postgresql"])
def test_trivial_runs_by_eight_workers(
    benchmark: Any, tmp_path: Path, request: pytest.FixtureRequest, storage: str
) -> None:
    urls = {
        "journal": lambda: None,
        "sqlite": lambda: f"sqlite:///{tmp_path}/study.db",
        "postgresql": lambda: fresh_database(request.getfixturevalue("postgres")),
    }
    runs = plan(100, RUNS // 100, log=str(tmp_path / "done.log"))
    engine = ProcessEngine("dummies:run", workers=8)
    with Ledger.open(tmp_path / "study", url=urls[storage](), **OPTIONS) as ledger:
        specs = SpecMaker(ledger.directory)
        summary = benchmark.pedantic(coordinate, (ledger, runs, engine, specs, Recorder()), rounds=1)
    benchmark.extra_info["ms_a_run"] = 1000 * benchmark.stats["mean"] / RUNS
    assert summary.complete == RUNS
    done = Counter(line.split()[0] for line in (tmp_path / "done.log").read_text().splitlines())
    assert done == Counter({run.run_id: 1 for run in runs})


LARGE = """
name: large
design: factorial
seeds: 100
baseline: {data: {name: digits}, model: {depth: 1, width: 4, timesteps: 4}, training: {epochs: 1}}
axes:
  residual: [plain, vanilla, sew_add, ms, sresnet]
  encoding: [direct, poisson, latency, phase]
  normalization: [none, bn, bntt, tebn, psp]
objective: {metric: val_accuracy, direction: maximize, margin: 0.02}
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 100 cells and 100 seeds whose 10,000 runs are complete; its records are as small as can be."""
    folder = tmp_path_factory.mktemp("large")
    (folder / "large.yaml").write_text(LARGE)
    prepared = workflow.prepare(str(folder / "large.yaml"), directory=str(folder / "study"))
    with workflow.open_ledger(prepared) as ledger:
        study_directory.save(prepared.directory)
        ledger.sync(prepared.plan.runs)
        specs = Specs(prepared.directory, ledger)
        for run in prepared.plan.runs:
            attempt = ledger.claim(run.run_id)
            ledger.finish(attempt, record(specs(run, attempt)))
    return folder / "study"


def test_status_of_ten_thousand_runs(benchmark: Any, large: Path) -> None:
    """The whole command, from the start of the interpreter to the last line."""
    command = [sys.executable, "-m", "ablate", "status", str(large)]
    shown = benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, text=True, check=True), rounds=3)
    assert "10000 runs: 10000 complete, 0 failed, 0 to do" in shown.stdout


def test_what_a_run_costs_beyond_its_training_steps(tmp_path: Path) -> None:
    """The quickstart's first seed block, by phase; see the printed table with `-s`."""
    command = [sys.executable, "-m", "ablate", "run", "quickstart", "seeds=1", "--profile"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    print("\n" + shown[shown.index("Where the time went") : shown.index("; by run in")])
