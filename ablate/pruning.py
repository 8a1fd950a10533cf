"""Stopping a run early: what a worker is told of the finished runs of its seed block, and its judgement after an epoch.

The coordinator puts the curves of the block into the spec, and the worker asks Optuna's pruner in memory. So a decision
falls at the end of the epoch it is about, on every engine, and no worker opens the study's storage. Runs that began at
the same time do not see one another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ablate.records import RunRecord


class Pruned(Exception):  # noqa: N818 - an outcome, not an error
    """A run was stopped.

    Attributes:
        epochs: how many it was trained.
        curves: rows `[epoch, split, metric, value]` until then.
    """

    def __init__(self, reason: str, epochs: int) -> None:
        super().__init__(reason)
        self.epochs = epochs
        self.curves: list[list[Any]] = []


@dataclass(frozen=True, slots=True)
class Block:
    """What is known of a seed block when a run of it begins.

    Attributes:
        pruner: `median` or `hyperband`.
        metric, direction: of the objective.
        epochs: of a whole run.
        earlier: per finished run of the block, in the order they ended, its values by epoch and whether it was whole.
    """

    pruner: Literal["median", "hyperband"]
    metric: str
    direction: Literal["maximize", "minimize"]
    epochs: int
    earlier: list[tuple[list[float], bool]]

    def plain(self) -> dict[str, Any]:
        """As it travels in `RunSpec.execution`."""
        return asdict(self)


def values_by_epoch(record: RunRecord, metric: str) -> list[float]:
    """The curve of a metric on validation, from a record with curves."""
    split, _, name = metric.partition("_")
    return [float(row[3]) for row in sorted(record.curves, key=lambda row: row[0]) if row[1:3] == [split, name]]


def finished(records: Iterable[RunRecord], metric: str) -> list[tuple[list[float], bool]]:
    """`Block.earlier` from the records of a block."""
    return [(values_by_epoch(record, metric), record.status == "complete") for record in records]


class Judge:
    """Judges one run after each epoch.

    Args:
        block: a `Block` in plain form.
    """

    def __init__(self, block: dict[str, Any]) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._block = Block(**block)
        self._study = optuna.create_study(
            direction=self._block.direction, pruner=_pruner(self._block), study_name="block"
        )
        for values, whole in self._block.earlier:
            trial = self._study.ask()
            for epoch, value in enumerate(values):
                trial.report(value, epoch)
                trial.should_prune()  # lets Hyperband note which rungs it reached
            if whole and values:
                self._study.tell(trial, values[-1])
            else:
                self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        self._trial = self._study.ask()

    def report(self, epoch: int, value: float) -> str | None:
        """Why the run stops after this epoch (from 0), None if it goes on."""
        self._trial.report(value, epoch)
        if epoch + 1 >= self._block.epochs or not self._trial.should_prune():
            return None
        block = self._block
        return (
            f"{block.pruner} pruner after epoch {epoch + 1} of {block.epochs}: {block.metric} {value:.4g}, "
            f"against {len(block.earlier)} finished runs of its seed block"
        )


def _pruner(block: Block) -> Any:
    from optuna.pruners import HyperbandPruner, MedianPruner

    if block.pruner == "median":
        # A quarter of the training says little yet of how a run ends.
        return MedianPruner(n_startup_trials=4, n_warmup_steps=block.epochs // 4)
    return HyperbandPruner(min_resource=max(1, block.epochs // 9), max_resource=block.epochs)
