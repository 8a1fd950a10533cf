"""The `engine` section of a study file: where runs execute and what each of them may use. Never part of an identity."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from lightning_modules.choices import Choices

Count = Annotated[int, Field(strict=True, ge=1)]
Place = Annotated[int, Field(strict=True, ge=0)]


class SlurmSettings(Choices):
    """What SLURM is told of every job.

    Attributes:
        cluster: `local` starts the jobs on this machine without SLURM, for trying out.
        partition, account, qos, constraint: as in `sbatch`; the cluster's default where null.
        minutes: time limit of one run.
        setup: shell lines that run before a job (`module load cuda`).
    """

    cluster: Literal["slurm", "local"] = "slurm"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    minutes: Count = 24 * 60
    setup: list[str] = Field(default_factory=list)


class EngineSettings(Choices):
    """Where runs execute. Each engine reads the fields it knows, so that `engine.name` alone moves a study.

    Attributes:
        workers: runs at once; null chooses what fits the machine, the cluster or the queue.
        backend: kernels that compute neuron layers: `compiled` on the CPU, `triton` on CUDA GPUs, `eager` anywhere.
            `auto` compiles them where the study is long enough for it, takes Triton on GPUs where it is installed, and
            the choice stays with the study.
        threads: CPU threads of a run; what Ray and SLURM reserve.
        gpus: which of the visible GPUs local processes use, in turn; all of them where null.
        gpus_per_run: share of a GPU that a run takes; null means a whole one where there are GPUs.
        memory_gb: memory of a run in 10^9 bytes; one that takes more is ended.
        retries: further attempts at a run that crashes (a dead worker, no memory), each in a fresh worker; errors of
            the run itself and divergence are not repeated.
        address: of a Ray cluster (`auto`, `host:port`); null starts Ray on this machine alone.
    """

    name: Literal["processes", "inline", "ray", "slurm"] = "processes"
    workers: Count | None = None
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    backend: Literal["auto", "eager", "compiled", "triton"] = "auto"
    threads: Count | None = None
    gpus: list[Place] | None = None
    gpus_per_run: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    memory_gb: Annotated[float, Field(strict=True, gt=0)] | None = None
    retries: Annotated[int, Field(strict=True, ge=0, le=100)] = 2
    address: str | None = None
    slurm: SlurmSettings = SlurmSettings()

    @field_validator("gpus")
    @classmethod
    def _gpus_are_distinct(cls, gpus: list[int] | None) -> list[int] | None:
        if gpus is not None and (not gpus or len(set(gpus)) != len(gpus)):
            raise ValueError(f"{gpus} is not a list of distinct GPUs such as [0, 1]; for none: engine.accelerator=cpu")
        return gpus

    @field_validator("gpus_per_run")
    @classmethod
    def _slurm_gives_whole_gpus(cls, share: float | None, info: Any) -> float | None:
        if info.data.get("name") == "slurm" and share not in (None, 0, 1):
            raise ValueError(f"{share} is no whole GPU, and SLURM gives no other; 0 or 1, or another engine.name")
        return share
