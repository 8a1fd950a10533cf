"""What a report says of a search or a tuning, as plain data of the study's description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ablate.config import Study
from ablate.design import Cell
from ablate.ledger import Ledger
from ablate.search.tuning import Tuning


def description(study: Study, cells: Sequence[Cell], ledger: Ledger) -> dict[str, Any]:
    """The keys `search` and `tuning` of a study's description, where it has them."""
    found: dict[str, Any] = {}
    if (search := study.fields.search) is not None:
        found["search"] = {
            "trials": search.trials,
            "sampler": search.sampler,
            "pruner": search.pruner,
            "objectives": [each.model_dump(mode="json") for each in study.objectives],
            "constraints": {name: limit.max for name, limit in search.constraints.items()},
        }
    if (settings := study.fields.tuning) is not None:
        tuning = Tuning(study, ledger.sampled)
        found["tuning"] = {
            "trials": settings.trials,
            "sampler": settings.sampler,
            "metric": study.objective.metric,
            "space": [
                f"{axis.path} ({axis.range or ' / '.join(level.label for level in axis.levels)})"
                for axis in study.nuisance
            ],
            "cells": [tuning.of(cell).plain() for cell in cells],
        }
    return found
