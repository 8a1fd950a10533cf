"""Weights & Biases: one W&B run per run, through Lightning's logger, offline unless the study says otherwise.

The ledger is the truth and W&B a view of it, so nothing that goes wrong here fails a run: an online run without a key
or a server is kept offline, a run that cannot be kept offline either is trained untracked, each with one warning.
Every attempt that trains makes one directory in `<study>/wandb/`; attempts at the same run share its W&B id.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.records import RunRecord, RunSpec

if TYPE_CHECKING:
    from pytorch_lightning.loggers import WandbLogger

LOG = logging.getLogger(__name__)
TAG_LIMIT, NAME_LIMIT = 64, 128
"""Characters that W&B allows in a tag, and in a name or a group."""
QUIET = {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
PROBE_SECONDS, INIT_SECONDS, FINISH_SECONDS = 5, 20, 60


@contextmanager
def tracked(spec: RunSpec, *, resumed: bool = False) -> Iterator[WandbLogger | None]:
    """The logger of one attempt; its W&B run is closed when the block ends, also by an exception.

    Curves come from the LightningModule's `self.log`, with the epoch as x axis. Call `summarise` before the block ends:
    an attempt that leaves no record counts as failed.

    Args:
        spec: the attempt; its `tracking` section says `mode` (online, offline, disabled), `project`, `entity` (or None)
            and `directory` (the study's).
        resumed: whether training goes on from a checkpoint. Then the curves continue those of the attempt before, else
            they replace them (both as soon as the runs are on a server; offline each attempt is a directory).

    Yields:
        the logger, or None when the run is not tracked.
    """
    if spec.tracking.get("mode", "offline") == "disabled":
        yield None
        return
    with _environment(Path(spec.tracking["directory"]).resolve()):
        run = _open(spec, resumed=resumed)
        if run is None:
            yield None
            return
        try:
            yield _logger(run, spec)
        except BaseException as error:
            _close(run, {"status": "failed", "reason": _line(error)})
            raise
        _close(run, {})


def summarise(logger: WandbLogger | None, record: RunRecord) -> None:
    """Put status, reason, metrics and provenance of an attempt into the summary of its W&B run; without one do nothing.

    The metrics replace what the last epoch left under the same name, so that the summary shows the chosen epoch.
    """
    if logger is None:
        return
    summary = {name: value for name, value in record.metrics.items() if value is not None}
    origin = {name: record.provenance.get(name) for name in ("commit", "data_fingerprint", "device", "backend")}
    summary |= {name: value for name, value in origin.items() if value}
    logger.experiment.summary.update(
        summary | {"status": record.status, "reason": record.reason, "attempt": record.attempt}
    )


def online_problem() -> str | None:
    """Why runs cannot go online from here (no server, no key), or None. Asked once per process; at most some seconds.

    A coordinator asks before it starts, since the warnings of its workers end in their logs.
    """
    return _connection().problem


@dataclass
class _Connection:
    """Why this process cannot go online, if so, and whether it said that already."""

    problem: str | None
    told: bool = False

    def tell(self) -> None:
        if not self.told:
            LOG.warning("Weights & Biases: %s; runs are kept offline", self.problem)
        self.told = True


@cache
def _connection() -> _Connection:
    """What this process knows about the server."""
    import wandb

    with _variables(QUIET):
        server = wandb.setup().settings.base_url
        if problem := _unreachable(server):
            return _Connection(f"{server} does not answer ({problem})")
        try:
            if wandb.login(prompt=False):
                return _Connection(None)
        except Exception as error:  # a key of the wrong form, for one; the text does not hold the key
            return _Connection(_line(error))
    return _Connection(f"no API key for {server} (set one with: wandb login)")


def run_identity(spec: RunSpec) -> str:
    """The W&B id of a run, the same for all its attempts: 12 hexadecimal digits."""
    return hashlib.sha256("\n".join((spec.uid, spec.branch, spec.run_id)).encode()).hexdigest()[:12]


def run_name(spec: RunSpec) -> str:
    """`residual=plain seed=2`; `baseline seed=2`."""
    varied = " ".join(f"{axis}={spec.levels[axis]}" for axis in spec.varied) or "baseline"
    seed = f" seed={spec.seed}"
    return _shortened(varied, NAME_LIMIT - len(seed)) + seed


def run_tags(spec: RunSpec) -> tuple[str, ...]:
    """The study and the level of every axis, so that a level can be filtered on in any study."""
    return tuple(_shortened(tag, TAG_LIMIT) for tag in (spec.study, *(f"{a}={v}" for a, v in spec.levels.items())))


def run_config(spec: RunSpec) -> dict[str, Any]:
    """The resolved configuration with levels and identity; without `data.root`, which only says where."""
    data = {name: value for name, value in spec.config.get("data", {}).items() if name != "root"}
    identity = ("study", "branch", "run_id", "cell_id", "cell", "seed", "levels")
    return {**spec.config, "data": data, **{name: getattr(spec, name) for name in identity}}


def _open(spec: RunSpec, *, resumed: bool) -> Any:
    """A W&B run in the mode of the spec or the nearest one that works; None where none does."""
    if spec.tracking.get("mode") == "online":
        connection = _connection()
        if connection.problem is None:
            try:
                return _start(spec, "online", resumed)
            except Exception as error:
                connection.problem = _line(error)  # the next run of this process does not wait for it again
                _discard(spec)
        connection.tell()
    try:
        return _start(spec, "offline", resumed)
    except Exception as error:
        LOG.warning("Weights & Biases: %s; the run is not tracked", _line(error))
        return None


def _discard(spec: RunSpec) -> None:
    """Remove what an online run that never started has left: an attempt makes one directory."""
    places = (Path(spec.tracking["directory"]) / "wandb").glob(f"run-*-{run_identity(spec)}")
    if latest := max(places, key=lambda place: place.name, default=None):
        shutil.rmtree(latest, ignore_errors=True)


def _start(spec: RunSpec, mode: str, resumed: bool) -> Any:
    import wandb

    run = wandb.init(
        mode=mode,  # type: ignore[arg-type]
        dir=str(Path(spec.tracking["directory"]).resolve()),
        project=spec.tracking.get("project"),
        entity=spec.tracking.get("entity"),
        id=run_identity(spec),
        name=run_name(spec),
        group=_shortened(f"{spec.study}/{spec.cell}", NAME_LIMIT),
        job_type="train",
        tags=run_tags(spec),
        config=run_config(spec),
        resume="allow" if resumed else None,
        reinit="create_new",  # the process-wide wandb.run stays unset: runs of one process cannot mix
        settings=_settings(wandb),
    )
    run.define_metric("epoch")
    run.define_metric("trainer/global_step", hidden=True)  # Lightning adds it to every row
    run.define_metric("*", step_metric="epoch", step_sync=True)
    return run


def _settings(wandb: Any) -> Any:
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


def _logger(run: Any, spec: RunSpec) -> WandbLogger:
    from pytorch_lightning.loggers import WandbLogger

    return WandbLogger(experiment=run, project=run.project, save_dir=spec.tracking["directory"])


def _close(run: Any, summary: dict[str, Any]) -> None:
    """End a W&B run, with exit code 1 unless a record says that it went well."""
    try:
        run.summary.update(summary)
        status = run.summary.get("status")
        if status is None:
            run.summary.update({"status": "failed", "reason": "the attempt ended without a record"})
        run.finish(exit_code=0 if status in ("complete", "pruned") else 1)
    except Exception as error:
        LOG.warning("Weights & Biases: %s; the end of the run is not tracked", _line(error))


@contextmanager
def _environment(study: Path) -> Iterator[None]:
    """Keep what W&B stages or caches beside the runs, so that a study that moved can still be synchronised."""
    home = study / "wandb"
    places = {"DATA": "data", "CACHE": "cache", "ARTIFACT": "artifacts"}
    variables = {f"WANDB_{kind}_DIR": str(home / name) for kind, name in places.items()}
    with _variables(variables | QUIET):
        yield


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables (W&B takes these settings in no other way) and put the old ones back."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _unreachable(server: str) -> str | None:
    """Why a server does not answer; any answer at all, an error page too, is good enough."""
    try:
        with urllib.request.urlopen(server, timeout=PROBE_SECONDS):
            return None
    except urllib.error.HTTPError:
        return None
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _shortened(text: str, limit: int) -> str:
    """`text`, or its beginning with a hash of the whole, so that two long names stay two."""
    return text if len(text) <= limit else f"{text[: limit - 9]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
