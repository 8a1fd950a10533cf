"""The runs of a study as a page lists them: enough to find each one again, here and in W&B."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import pandas as pd

from reports.results import StudyResults
from reports.schema import WANDB_RUN


@dataclass(frozen=True)
class ListedRun:
    """A run: where it belongs, how it ended, and its W&B id or an empty text."""

    run_id: str
    cell: str
    seed: int
    outcome: str
    test_accuracy: float | None
    wandb_run: str = ""


@dataclass(frozen=True)
class RunList:
    """The runs of a study.

    Attributes:
        runs: in the order of the results, confirmation runs last.
        address: what a W&B id is put behind for the page of a run; empty where that is not known.
        hint: what to do to make it known; empty where the runs are not in W&B at all.
    """

    runs: tuple[ListedRun, ...] = ()
    address: str = ""
    hint: str = ""


def run_list(results: StudyResults) -> RunList:
    """All runs, also those that failed or never began; not the cells that were excluded."""
    rows = (*_rows(results.runs), *_rows(results.confirmation))
    tracking = results.study.get("tracking") or {}
    address = _address(tracking)
    named = any(each.wandb_run for each in rows)
    return RunList(rows, address, f"ablate sync {results.study['name']}" if named and not address else "")


def _rows(frame: pd.DataFrame) -> tuple[ListedRun, ...]:
    if frame.empty:
        return ()
    kept = frame[frame["status"] != "excluded"]
    wandb = kept[WANDB_RUN] if WANDB_RUN in kept else [""] * len(kept)
    columns = (kept["run_id"], kept["cell"], kept["seed"], kept["status"], kept["reason"], kept["test_accuracy"], wandb)
    return tuple(
        ListedRun(
            str(run_id), str(cell), int(seed), f"{status}: {reason}" if reason else str(status),
            None if pd.isna(accuracy) else float(accuracy), str(wandb_run),
        )
        for run_id, cell, seed, status, reason, accuracy, wandb_run in zip(*columns, strict=True)
    )  # fmt: skip


def _address(tracking: Mapping[str, Any]) -> str:
    """`https://server/entity/project/runs/`; empty unless all of it is known and the server is one of the web."""
    url, entity, project = (str(tracking.get(key) or "") for key in ("url", "entity", "project"))
    if not (entity and project) or not is_web(url):
        return ""
    return f"{url.rstrip('/')}/{quote(entity, safe='')}/{quote(project, safe='')}/runs/"


def is_web(url: str) -> bool:
    """Whether an address is one of http or https with a server in it, so that a link to it can run nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and " " not in url
