"""Weights & Biases: one W&B run per run, through Lightning's logger, offline unless the study says otherwise.

The ledger is the truth and W&B a view of it, so nothing that goes wrong here fails a run: an online run without a key
or a server is kept offline, a run that cannot be kept offline either is trained untracked, each with one warning.
Every attempt that trains makes one directory in `<study>/wandb/`; attempts at the same run share its W&B id.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.records import RunRecord, RunSpec
from ablate.wandb_environment import beside_the_runs
from ablate.wandb_identity import run_config, run_group, run_identity, run_name, run_tags
from ablate.wandb_server import connection, one_line, online_problem, unreachable
from ablate.wandb_summary import summary_of

if TYPE_CHECKING:
    from ablate.wandb_logger import RunLogger

__all__ = ["online_problem", "summarise", "tracked"]

LOG = logging.getLogger(__name__)
INIT_SECONDS, FINISH_SECONDS = 20, 30


@contextmanager
def tracked(spec: RunSpec, *, resumed: bool = False) -> Iterator[RunLogger | None]:
    """The logger of one attempt; its W&B run is closed when the block ends, also by an exception.

    Curves come from the LightningModule's `self.log`, with the epoch as x axis. Call `summarise` before the block ends:
    an attempt that leaves no record counts as failed.

    Args:
        spec: the attempt; its `tracking` section says `mode` (online, offline, disabled), `project`, `entity` or None,
            `directory` (the study's) and `job_type` (train by default).
        resumed: whether training goes on from a checkpoint. Then the curves continue those of the attempt before, else
            they replace them (both as soon as the runs are on a server; offline each attempt is a directory).

    Yields:
        the logger, or None when the run is not tracked.
    """
    if spec.tracking.get("mode", "offline") == "disabled":
        yield None
        return
    with beside_the_runs(_study(spec)):
        run = _open(spec, resumed=resumed)
        if run is None:
            yield None
            return
        try:
            yield _logger(run, spec)
        except BaseException as error:
            _close(run, {"status": "failed", "reason": one_line(error)})
            raise
        _close(run, {})


def summarise(logger: RunLogger | None, record: RunRecord) -> None:
    """Put what became of an attempt into its W&B run: summary and table of layers. Without a run do nothing.

    The metrics replace what the last epoch left under the same name, so that the summary shows the chosen epoch.
    """
    if logger is None:
        return
    if record.layers:
        logger.table("layers", record.layers)
    logger.summarise(summary_of(record, attempts=record.attempt + 1))


def _open(spec: RunSpec, *, resumed: bool) -> Any:
    """A W&B run in the mode of the spec or the nearest one that works; None where none does."""
    if spec.tracking.get("mode") == "online":
        server = connection()
        server.problem = server.problem or unreachable()
        if server.problem is None:
            try:
                return _start(spec, "online", resumed)
            except Exception as error:
                server.problem = one_line(error)  # the next run of this process does not wait for it again
        server.tell()
    try:
        return _start(spec, "offline", resumed)
    except Exception:
        return _start_afresh(spec, resumed)


def _start_afresh(spec: RunSpec, resumed: bool) -> Any:
    """An offline run on a new W&B service: the old one may have been killed, in this process or in its parent."""
    import wandb

    os.environ.pop("WANDB_SERVICE", None)
    with suppress(Exception):
        wandb.teardown()
    try:
        return _start(spec, "offline", resumed)
    except Exception as error:
        LOG.warning("Weights & Biases: %s; the run is not tracked", one_line(error))
        return None


def _start(spec: RunSpec, mode: str, resumed: bool) -> Any:
    """A W&B run; where none comes about, its directory is removed again, since an attempt makes one directory."""
    before = _directories(spec)
    try:
        run = _init(spec, mode, resumed)
    except Exception:
        for directory in _directories(spec) - before:
            shutil.rmtree(directory, ignore_errors=True)
        raise
    define_axes(run)
    return run


def define_axes(run: Any) -> None:
    """The epoch is the x axis of every curve."""
    run.define_metric("epoch")
    run.define_metric("trainer/global_step", hidden=True)  # Lightning adds it to every row
    run.define_metric("*", step_metric="epoch", step_sync=True)


def _init(spec: RunSpec, mode: str, resumed: bool) -> Any:
    import wandb

    return wandb.init(
        mode=mode,  # type: ignore[arg-type]
        dir=str(_study(spec)),
        project=spec.tracking.get("project"),
        entity=spec.tracking.get("entity"),
        id=run_identity(spec),
        name=run_name(spec),
        group=run_group(spec),
        job_type=spec.tracking.get("job_type", "train"),
        tags=run_tags(spec),
        config=run_config(spec),
        resume="allow" if resumed else None,
        reinit="create_new",  # the process-wide wandb.run stays unset: runs of one process cannot mix
        settings=settings(wandb),
    )


def _study(spec: RunSpec) -> Path:
    return Path(spec.tracking["directory"]).resolve()


def _directories(spec: RunSpec) -> set[Path]:
    """The W&B directories of all attempts at a run."""
    return set((_study(spec) / "wandb").glob(f"*run-*-{run_identity(spec)}*"))


def settings(wandb: Any) -> Any:
    """Lean and discreet: no system statistics, console, code, git state, requirements or host name."""
    return wandb.Settings(
        x_disable_stats=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_save_requirements=False,
        console="off",
        save_code=False,
        disable_git=True,
        host="",
        silent=True,
        quiet=True,
        symlink=False,  # absolute links would dangle in a study that moved, and workers would race for them
        use_dot_wandb=False,
        init_timeout=INIT_SECONDS,
        finish_timeout=FINISH_SECONDS,
    )


def _logger(run: Any, spec: RunSpec) -> RunLogger:
    from ablate.wandb_logger import RunLogger

    return RunLogger(experiment=run, project=run.project, save_dir=spec.tracking["directory"])


def _close(run: Any, summary: dict[str, Any]) -> None:
    """End a W&B run, with exit code 1 unless a record says that it went well."""
    try:
        run.summary.update(summary)
        status = run.summary.get("status")
        if status is None:
            run.summary.update({"status": "failed", "reason": "the attempt ended without a record"})
        run.finish(exit_code=0 if status in ("complete", "pruned") else 1)
    except Exception as error:
        LOG.warning("Weights & Biases: %s; the end of the run is not tracked", one_line(error))
