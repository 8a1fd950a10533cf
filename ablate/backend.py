"""Which kernels compute the runs of a study: settled once, before the first run, and kept for as long as it lives.

Back ends agree to rounding only, so runs that are compared must not differ in theirs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ablate.errors import RequestError, StudyError
from ablate.files import write_atomically
from lightning_modules import data
from lightning_modules.choices import DataChoices, ModelChoices
from lightning_modules.kernels import compiler

Backend = Literal["eager", "compiled", "triton"]

_FILE = "backend.json"
_SAMPLES = 50_000
"""Training samples of a data set whose number is not known before it is loaded."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The back end (`eager`, `compiled`, `triton`), and why it was taken."""

    backend: str
    because: str


def settled(folder: Path) -> Choice | None:
    """What was settled for the study in this folder; None before its first run.

    Raises:
        StudyError: if the file that says so is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    try:
        return Choice(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise StudyError(f"{path}: damaged; it names the back end of this study's runs, such as eager") from error


def choose(folder: Path, wanted: str, *, updates: float, began: bool, gpu: bool) -> Choice:
    """The back end that was settled for a study, or else the one to settle. Nothing is written.

    Args:
        folder: of the study.
        wanted: `engine.backend`: `auto`, `eager`, `compiled` or `triton`.
        updates: neuron updates of all training, see `updates`.
        began: whether runs are complete already; before back ends were settled, all runs were `eager`.
        gpu: whether runs compute on a GPU.

    Raises:
        RequestError: if another one was settled than is wanted, or it cannot run here.
    """
    known = settled(folder) or (Choice("eager", "its first runs were") if began else None)
    if known and wanted not in ("auto", known.backend):
        raise RequestError(
            f"engine.backend: {wanted} is not the {known.backend} of this study's runs, and one study keeps to one; "
            "run it beside them (--branch NAME)"
        )
    choice = known or (_automatic(updates, gpu) if wanted == "auto" else Choice(wanted, "asked for"))
    reason = compiler.unavailable() if choice.backend == "compiled" else None
    if choice.backend == "triton":
        reason = compiler.without_triton() if gpu else "runs are placed on the CPU, and it needs a CUDA GPU"
    if reason:
        raise RequestError(
            f"engine.backend: {choice.backend} cannot run here, {reason}; eager can, in a study of its own"
        )
    return choice


def computing(settled: str, device: str) -> Backend:
    """The back end that computes on a device (`cpu`, `cuda`): kernels made for the other leave it to `eager`."""
    if settled == "compiled" and device == "cpu":
        return "compiled"
    return "triton" if settled == "triton" and device == "cuda" else "eager"


def keep(folder: Path, choice: Choice) -> None:
    """Settle a choice for good, in a folder that exists."""
    if settled(folder) is None:
        write_atomically(folder / _FILE, json.dumps(asdict(choice)) + "\n")


def updates(model: ModelChoices, dataset: DataChoices, *, epochs: int, runs: int) -> float:
    """Neuron updates in the training of that many runs of one model, for a choice among back ends."""
    facts = data.describe(dataset)
    _, height, width = (1, model.frame_size, model.frame_size) if facts.kind == "events" else facts.shape
    each = compiler.updates_a_sample(
        depth=model.depth, width=model.width, timesteps=model.timesteps, height=height, width_of_input=width
    )
    return each * (facts.train or _SAMPLES) * epochs * runs


def _automatic(updates: float, gpu: bool) -> Choice:
    if gpu:
        # They are held to the reference by an interpreter alone: until a GPU has measured them, a person asks for them.
        return Choice("eager", "kernels for GPUs are taken when asked for, engine.backend=triton")
    if reason := compiler.unavailable():
        return Choice("eager", reason)
    if updates < compiler.WORTH_A_STUDY:
        return Choice("eager", f"{updates:.1e} neuron updates are trained sooner than compiled for")
    return Choice("compiled", f"{updates:.1e} neuron updates are worth compiling for")
