"""Lightning's W&B logger for training that must not end because its tracking did. Imports Lightning and W&B."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pytorch_lightning.loggers import WandbLogger

from ablate.wandb_summary import table_of

LOG = logging.getLogger(__name__)


class RunLogger(WandbLogger):
    """Drops what is logged once W&B's service is gone (killed for memory, a full disk), with one warning."""

    _lost = False

    def log_metrics(self, *arguments: Any, **named: Any) -> None:
        self._attempt(super().log_metrics, *arguments, **named)

    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:
        self._attempt(super().log_hyperparams, *arguments, **named)

    def summarise(self, summary: dict[str, Any]) -> None:
        """Set entries of the run's summary."""
        self._attempt(self.experiment.summary.update, summary)

    def table(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Log rows as a W&B table."""
        import wandb

        self._attempt(lambda: self.experiment.log({name: wandb.Table(**table_of(rows))}))

    def _attempt(self, act: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        if self._lost:
            return
        try:
            act(*arguments, **named)
        except Exception as error:
            self._lost = True
            LOG.warning("Weights & Biases: %s; the rest of the run is not tracked", type(error).__name__)
