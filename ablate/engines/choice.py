"""From the `engine` section of a study to the engine: what it comes to on this machine, in words and as an object."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

from ablate.engines.base import Engine
from ablate.engines.devices import cores, visible_gpus
from ablate.engines.inline import InlineEngine
from ablate.engines.processes import ProcessEngine
from ablate.engines.settings import EngineSettings
from ablate.errors import RequestError

_EXTRAS = {"ray": "ray", "slurm": "submitit"}


@dataclass(frozen=True, slots=True)
class Placement:
    """What the settings come to.

    Attributes:
        settings: the `engine` section.
        at_once: how many runs at once; None where only the cluster knows.
        gpus: the GPUs of this machine that workers take in turn.
    """

    settings: EngineSettings
    at_once: int | None
    gpus: tuple[str, ...] = ()

    def __str__(self) -> str:
        """`processes, 4 at once, 1 thread a run, GPU 0 1, 0.5 GPU a run, at most 8 GB a run`."""
        settings = self.settings
        parts = [settings.name if settings.name != "slurm" else f"slurm ({settings.slurm.cluster})"]
        if settings.name == "ray":
            parts[0] += f" at {settings.address}" if settings.address else " on this machine"
        parts.append("as many at once as fit" if self.at_once is None else f"{self.at_once} at once")
        if settings.name == "inline":
            return parts[0]
        threads = settings.threads
        parts += [f"{threads} thread{'s' if threads > 1 else ''} a run"] if threads else []
        parts += [f"GPU {' '.join(self.gpus)}"] if self.gpus else []
        parts += [f"{settings.gpus_per_run:g} GPU a run"] if settings.gpus_per_run is not None else []
        parts += [f"at most {settings.memory_gb:g} GB a run"] if settings.memory_gb else []
        parts += (
            [f"partition {settings.slurm.partition}"] if settings.name == "slurm" and settings.slurm.partition else []
        )
        return ", ".join(parts)


def place(settings: EngineSettings, runs: int) -> Placement:
    """What the settings come to on this machine for so many runs. Starts nothing.

    Raises:
        RequestError: if they ask for what is not there: an extra that is not installed, a GPU, SLURM.
    """
    _require_installed(settings)
    if settings.name == "inline":
        return Placement(settings, 1)
    if settings.name == "slurm" and settings.slurm.cluster == "slurm":
        return Placement(settings, max(1, min(settings.workers or runs, runs)))
    if settings.name == "ray" and settings.address:
        return Placement(settings, settings.workers)
    gpus = _gpus(settings)
    slots = _slots(settings, gpus)
    workers = settings.workers or slots or max(1, cores() // (settings.threads or 1))
    return Placement(settings, max(1, min(workers, runs)), gpus)


def on_gpu(placement: Placement) -> bool:
    """Whether runs compute on GPUs, as far as can be told before a worker starts; a cluster is asked for them."""
    settings = placement.settings
    if settings.accelerator != "auto":
        return settings.accelerator == "cuda"
    here = settings.name == "inline" and bool(visible_gpus())
    return here or bool(placement.gpus) or bool(settings.gpus_per_run)


def create(placement: Placement, function: str, folder: Path) -> Engine:
    """Start the engine.

    Args:
        placement: from `place`.
        function: dotted name of the trial function.
        folder: where an engine may keep files of its own; in the study directory.

    Raises:
        StudyError: if a cluster cannot be reached.
    """
    settings = placement.settings
    if settings.name == "inline":
        return InlineEngine(function)
    if settings.name == "ray":
        from ablate.engines.ray import RayEngine

        share = settings.gpus_per_run
        return RayEngine(
            function,
            address=settings.address,
            workers=settings.workers if settings.address else placement.at_once,
            threads=settings.threads or 1,
            gpus=float(bool(placement.gpus)) if share is None else share,
            memory_gb=settings.memory_gb,
        )
    if settings.name == "slurm":
        from ablate.engines.slurm import SlurmEngine

        return SlurmEngine(function, folder, settings, workers=placement.at_once or 1)
    return ProcessEngine(
        function,
        workers=placement.at_once or 1,
        threads=settings.threads,
        gpus=placement.gpus,
        environment={"CUDA_VISIBLE_DEVICES": ""} if settings.gpus_per_run == 0 else None,
    )


def _require_installed(settings: EngineSettings) -> None:
    module = _EXTRAS.get(settings.name)
    if module and importlib.util.find_spec(module) is None:
        raise RequestError(
            f"engine.name: {settings.name} needs the package {module}; pip install 'ablate-snn[{settings.name}]'"
        )
    if settings.name == "slurm" and settings.slurm.cluster == "slurm" and shutil.which("sbatch") is None:
        raise RequestError(
            "engine.name: slurm needs the command sbatch, which this machine has not; start it on a login node, "
            "or try it here with engine.slurm.cluster=local"
        )


def _gpus(settings: EngineSettings) -> tuple[str, ...]:
    if settings.accelerator == "cpu" or settings.gpus_per_run == 0:
        return ()
    if settings.name == "slurm" and settings.accelerator == "auto" and settings.gpus_per_run is None:
        return ()  # a job sees a GPU only where the study asks for one
    visible = visible_gpus()
    if settings.gpus is None:
        if settings.gpus_per_run and not visible:
            raise RequestError(f"engine.gpus_per_run: {settings.gpus_per_run:g}, but this machine shows no GPU")
        return tuple(visible)
    if missing := [place for place in settings.gpus if place >= len(visible)]:
        there = f"GPUs here: 0 to {len(visible) - 1}" if visible else "this machine shows no GPU"
        raise RequestError(f"engine.gpus: there is no GPU {missing[0]}; {there}")
    return tuple(visible[place] for place in settings.gpus)


def _slots(settings: EngineSettings, gpus: tuple[str, ...]) -> int | None:
    """Runs that the GPUs hold; None without GPUs."""
    if not gpus:
        return None
    # 1 / 0.1 must hold ten runs, whatever binary fractions say.
    slots = len(gpus) * int(1 / (settings.gpus_per_run or 1) + 1e-9)
    if settings.gpus_per_run and settings.workers and settings.workers > slots:
        raise RequestError(
            f"engine.workers: {settings.workers} at {settings.gpus_per_run:g} GPU a run do not fit {len(gpus)} "
            f"GPU{'s' if len(gpus) > 1 else ''}; at most {slots}"
        )
    return slots
