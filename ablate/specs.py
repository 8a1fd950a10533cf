"""RunSpecs: what a worker needs to know for a planned run and an attempt at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ablate import backend, pruning
from ablate.attempts import Attempt
from ablate.config import Study
from ablate.design import PlannedRun
from ablate.ledger import Ledger
from ablate.records import RunSpec
from ablate.search.booking import SampledRun
from ablate.sections import FRESH_SEEDS
from ablate.study_directory import StudyDirectory


class Specs:
    """Makes the specs of one study.

    Args:
        directory: the study.
        ledger: tells a run that may be pruned what its seed block has done.
        profile: whether records say what the time went into.
    """

    def __init__(self, directory: StudyDirectory, ledger: Ledger, profile: bool = False) -> None:
        self._directory = directory
        self._ledger = ledger
        study = directory.study
        self._tracking = study.fields.tracking.model_dump() | {"directory": str(directory.path.absolute())}
        chosen = backend.settled(directory.path)
        self._execution = execution(study) | {"backend": chosen.backend if chosen else "eager"}
        self._execution |= {"profile": True} if profile else {}

    def __call__(self, run: PlannedRun | SampledRun, attempt: Attempt) -> RunSpec:
        planned = run.planned if isinstance(run, SampledRun) else run
        return RunSpec(
            study=self._directory.study.name,
            uid=self._directory.uid,
            branch=self._directory.branch,
            run_id=planned.run_id,
            cell_id=planned.cell.cell_id,
            cell=planned.cell.label,
            seed=planned.seed,
            attempt=attempt.attempt,
            token=attempt.token,
            directory=str(self._directory.run(planned.run_id).absolute()),
            levels=dict(planned.cell.levels),
            varied=list(planned.cell.varied),
            config=dict(planned.cell.config),
            execution=self._execution | dict(planned.execution) | self._pruning(planned),
            tracking=self._tracked(planned),
        )

    def _pruning(self, run: PlannedRun) -> dict[str, Any]:
        """What the pruner may compare with; the baseline of a paired design is everybody's reference and stays."""
        study = self._directory.study
        name = study.fields.search.pruner if study.fields.search else study.fields.prune
        if name not in ("median", "hyperband") or run.seed >= FRESH_SEEDS:
            return {}
        if study.fields.search is None and not run.cell.varied:
            return {}
        metric = study.objective.metric
        block = pruning.Block(
            pruner=name,
            metric=metric,
            direction=study.objective.direction,
            epochs=run.cell.config["training"]["epochs"],
            earlier=pruning.finished(self._ledger.block(run.seed), metric),
        )
        return {"pruning": block.plain()}

    def _tracked(self, run: PlannedRun) -> dict[str, Any]:
        if run.execution.get("purpose") != "tuning":
            return self._tracking
        mode = self._tracking["mode"] if self._tracking["tuning"] else "disabled"
        return self._tracking | {"mode": mode, "job_type": "tuning"}


def execution(study: Study) -> dict[str, Any]:
    """What only says where and how fast, the same for all runs of a study."""
    root = study.baseline.data.root
    return {
        "memory_gb": study.fields.engine.memory_gb,
        "accelerator": study.fields.engine.accelerator,
        "data_root": root and str(Path(root).absolute()),
        "objective": study.objective.pursued(),
        "plugins": list(study.fields.plugins),
        "plugin_folders": list(study.plugin_folders),
    }
