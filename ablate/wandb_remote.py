"""A study's runs on a W&B server: what is there, and putting it right from the ledger's records."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.errors import StudyError
from ablate.records import RunRecord, RunSpec
from ablate.tracking import define_axes, online_problem, settings
from ablate.wandb_environment import beside_the_runs
from ablate.wandb_identity import run_config, run_group, run_identity, run_name, run_tags
from ablate.wandb_server import one_line, unreachable
from ablate.wandb_summary import difference, rows_of, summary_of, table_of


@dataclass(frozen=True)
class Tracked:
    """A run of the study with what the ledger says of it.

    Attributes:
        spec: names it in W&B.
        record: how it ended; None while it has not.
        expected: what its W&B summary has to hold.
    """

    spec: RunSpec
    record: RunRecord | None
    expected: Mapping[str, Any]

    @property
    def whole(self) -> bool:
        """Whether the record holds the curves too, so that the W&B run can be made from it."""
        return self.record is not None and bool(self.record.curves)

    @property
    def label(self) -> str:
        return run_name(self.spec)


def expectation(record: RunRecord | None, status: str, reason: str, attempts: int) -> dict[str, Any]:
    """What a summary has to hold of a run in some state."""
    expected = summary_of(record, attempts=attempts) if record else {}
    if record is not None and not record.curves:
        expected.pop("correct")  # it was in the lost record.json
    return expected | {"status": status, "reason": reason, "attempts": attempts}


class Remote:
    """The project of a study on the server.

    Args:
        study: the study directory; what the client caches stays inside.
        project, entity: of the tracking section; without an entity that of the environment (`WANDB_ENTITY`), as for
            runs that are streamed, else the user's own.
        uid, branch: which study's runs.
    """

    def __init__(self, study: Path, *, project: str, entity: str | None, uid: str, branch: str) -> None:
        self._study = study
        self._uid, self._branch = uid, branch
        with self._speaking():
            import wandb

            self._api = wandb.Api(timeout=20)
            client = wandb.setup().settings
            self.server: str = client.base_url
            self.address: str = client.app_url
            """Of the pages for people, which the hosted service has elsewhere than its interface."""
            self.entity = entity or client.entity or self._api.default_entity or ""
        self.project = project

    def runs(self) -> dict[str, Any]:
        """W&B id -> run, of all runs of the study."""
        return {run.id: run for run in self._found({"config.uid": self._uid}) if run.job_type != "guide"}

    def guide(self) -> Any:
        """The run that holds the guide, or None."""
        return next(iter(self._found({"config.uid": self._uid, "jobType": "guide"})), None)

    def _found(self, filters: dict[str, str]) -> list[Any]:
        """Runs of the branch, in whole: W&B's client would ask again for the configuration of each."""
        path = f"{self.entity}/{self.project}"
        with self._speaking():
            try:
                runs = list(self._api.runs(path, filters=filters, per_page=200, lazy=False))
            except ValueError:  # the project does not exist yet
                return []
            return [run for run in runs if run.config.get("branch") == self._branch]

    def problem(self, tracked: Tracked, present: Mapping[str, Any]) -> str | None:
        """How a run on the server differs from the ledger, in words."""
        run = present.get(run_identity(tracked.spec))
        if run is None:
            return "is not on the server"
        return difference(tracked.expected, dict(run.summary))

    def mend(self, tracked: Tracked, present: Mapping[str, Any]) -> None:
        """Make a run on the server what the ledger says; its curves and layers too, where the ledger has them."""
        run = present.get(run_identity(tracked.spec))
        with self._speaking():
            if run is not None and not tracked.whole:
                run.summary.update(dict(tracked.expected))
                return
            with self.writing(tracked.spec) as fresh:
                log(fresh, tracked)

    @contextmanager
    def writing(self, spec: RunSpec) -> Iterator[Any]:
        """An online run whose local files are gone afterwards: only attempts leave W&B directories."""
        with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
            run = begin(spec, "online", Path(folder), project=self.project, entity=self.entity)
            try:
                yield run
            finally:
                run.finish(exit_code=0 if run.summary.get("status") in ("complete", "pruned") else 1)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Errors of the client as one line."""
        with speaking(self._study):
            yield


@contextmanager
def speaking(study: Path) -> Iterator[None]:
    """Talk to the server from inside a study: quietly, and with one line for what goes wrong.

    Raises:
        StudyError: if there is no key or no server, or if it stops answering.
    """
    with beside_the_runs(study.resolve()):
        if problem := online_problem() or unreachable():
            raise StudyError(f"Weights & Biases: {problem}")
        try:
            yield
        except StudyError:
            raise
        except Exception as error:
            if not type(error).__module__.startswith(("wandb", "requests", "urllib3")):
                raise
            raise StudyError(f"Weights & Biases: {one_line(error)}") from error


def begin(spec: RunSpec, mode: Any, folder: Path, *, project: str, entity: str | None) -> Any:
    """A W&B run under a run's own id that replaces what was logged under it."""
    import wandb

    run = wandb.init(
        mode=mode,
        dir=str(folder),
        project=project,
        entity=entity,
        id=run_identity(spec),
        name=run_name(spec),
        group=run_group(spec),
        job_type="train",
        tags=run_tags(spec),
        config=run_config(spec),
        reinit="create_new",
        settings=settings(wandb),
    )
    define_axes(run)
    return run


def log(run: Any, tracked: Tracked) -> None:
    """Everything that the ledger knows of a run."""
    import wandb

    if tracked.record is not None:
        for row in rows_of(tracked.record):
            run.log(row)
        if tracked.record.layers:
            run.log({"layers": wandb.Table(**table_of(tracked.record.layers))})
    run.summary.update(dict(tracked.expected))
