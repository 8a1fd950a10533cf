"""The settings that Weights & Biases takes from environment variables alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

QUIET = {"WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_MODE": "online"}
"""W&B neither prints, nor asks for a key, nor reports errors to its makers.

The mode of a run is given where it begins. A person's WANDB_MODE=offline would only keep W&B from looking for a key.
"""


def places(study: Path) -> dict[str, str]:
    """Where W&B stages and caches: inside the study directory, so that a study that moved can still be synchronised."""
    kinds = {"DATA": "data", "CACHE": "cache", "ARTIFACT": "artifacts"}
    return {f"WANDB_{kind}_DIR": str(study / "wandb" / name) for kind, name in kinds.items()}


def beside_the_runs(study: Path) -> AbstractContextManager[None]:
    """Have W&B be quiet and keep to the study directory."""
    return variables(QUIET | places(study))


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables and put the old ones back at the end."""
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
