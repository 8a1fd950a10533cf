"""Upload offline W&B directories with W&B's own `wandb sync`, watched: a server that dies must not stall it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from ablate import wandb_local
from ablate.wandb_environment import QUIET, places
from ablate.wandb_local import RunDirectory
from ablate.wandb_server import unreachable

LOOK_SECONDS, PROBE_EVERY = 0.1, 3.0


def upload(
    study: Path, directories: Sequence[RunDirectory], told: Callable[[int], None], *, project: str, entity: str
) -> str | None:
    """Upload directories, attempts at one run in their order; those done are marked and never uploaded again.

    Args:
        study: the study directory.
        directories: offline directories.
        told: called with the number uploaded, whenever it has grown.
        project, entity: where to, whatever was meant when the runs were logged.

    Returns:
        why not all of them are uploaded, or None.
    """
    for each in directories:
        wandb_local.close(each)
    paths = [str(each.path.resolve()) for each in directories if not each.uploaded]
    if not paths:
        return None
    place = ["--project", project, "--entity", entity]
    command = [sys.executable, "-m", "wandb", "sync", "--yes", *place, *paths]
    environment = os.environ | QUIET | places(study.resolve()) | {"WANDB_DIR": str(study.resolve())}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        problem = _watch(process, directories, told)
    finally:
        _end(process)
        output = process.communicate()[0]
    if all(each.uploaded for each in directories):
        return None
    return problem or _reason(output) or "wandb sync gave up without a word"


def _watch(
    process: subprocess.Popen[str], directories: Sequence[RunDirectory], told: Callable[[int], None]
) -> str | None:
    done, probed = 0, time.monotonic()
    while True:
        ended = _ended(process)
        if (now := sum(each.uploaded for each in directories)) > done:
            done, probed = now, time.monotonic()
            told(done)
        if ended:
            return None
        if time.monotonic() - probed > PROBE_EVERY:
            probed = time.monotonic()
            if problem := unreachable():
                return problem


def _end(process: subprocess.Popen[str]) -> None:
    """End it with its service, which has a session of its own and would upload into a later synchronisation."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid)
    for each in [*family.children(recursive=True), family]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _reason(output: str) -> str:
    """The last error that W&B printed, else its last line."""
    lines = [line.removeprefix("wandb:").strip() for line in output.splitlines()]
    errors = [line.removeprefix("ERROR").strip() for line in lines if line.startswith("ERROR")]
    return next((line for line in reversed(errors or lines) if line), "")
