"""Before days of training: each cell is built, trains two batches and validates one, in the engine's workers.

A cell that cannot run is then known at once and not in the night; memory and time of a run are measured. Nothing of it
is logged to W&B or kept.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from ablate.attempts import Attempt
from ablate.design import Cell, PlannedRun
from ablate.engines import choice
from ablate.engines.base import one_line
from ablate.records import RunRecord, RunSpec
from ablate.specs import Specs
from ablate.workflow import Prepared

TRIAL = "ablate.preflight_trial:run"


@dataclass(frozen=True)
class Checked:
    """What the preflight of a cell found.

    Attributes:
        cell: its printed name.
        reason: why it cannot run; empty if it can.
        seconds: what a whole run will take, from the measured batches; None if it cannot run.
        megabytes: peak memory in 10^6 bytes; None where it cannot be measured.
    """

    cell: str
    reason: str
    seconds: float | None = None
    megabytes: float | None = None


def fresh_cells(prepared: Prepared) -> list[Cell]:
    """The cells of the plan of which no run has ended well: nothing is known of them yet."""
    known = {state.run_id.rpartition("-")[0] for state in prepared.states().values() if state.status == "complete"}
    return [cell for cell in prepared.plan.cells if cell.cell_id not in known]


def check(prepared: Prepared, cells: Sequence[Cell]) -> list[Checked]:
    """Try each of the cells, in the study's engine. What it writes is removed again."""
    # Where workers on other machines would find the study's runs too; its directory need not exist yet.
    path = prepared.directory.path.absolute()
    nearest = next(each for each in (path, *path.parents) if each.is_dir())
    folder = Path(tempfile.mkdtemp(prefix=".preflight-", dir=nearest))
    try:
        return _checked(prepared, cells, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _checked(prepared: Prepared, cells: Sequence[Cell], folder: Path) -> list[Checked]:
    specs = [_spec(prepared, cell, folder) for cell in cells]
    engine = choice.create(prepared.placement, TRIAL, folder / "slurm")
    try:
        futures = [engine.submit(spec) for spec in specs]
        found = [_found(cell, future) for cell, future in zip(cells, futures, strict=True)]
    except BaseException:
        engine.shutdown(cancel=True)
        raise
    engine.shutdown(cancel=False)
    return found


def _spec(prepared: Prepared, cell: Cell, folder: Path) -> RunSpec:
    run = PlannedRun(f"{cell.cell_id}-{prepared.plan.seeds[0]}", cell, prepared.plan.seeds[0])
    spec = Specs(prepared.directory, prepared.looked)(run, Attempt(run.run_id, 0, 0, f"preflight {time.time()}", 0))
    directory = folder / cell.cell_id
    directory.mkdir()
    return replace(spec, directory=str(directory), tracking={"mode": "disabled"})


def _found(cell: Cell, future: Future[RunRecord]) -> Checked:
    error = future.exception()
    if error is not None:
        return Checked(cell.label, str(error) if type(error).__name__ == "WorkerDied" else one_line(error))
    record = future.result()
    if record.status == "failed":
        return Checked(cell.label, record.reason)
    return Checked(cell.label, "", record.metrics["seconds"], record.metrics["peak_memory_mb"])
