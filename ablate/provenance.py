"""Where a result came from: commit, versions and device. No host name, no user, no path."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "pytorch-lightning", "numpy", "optuna", "wandb")
ROOMS = ("ablate", "lightning_modules", "reports", "search_spaces")
_OF_A_RUN = (
    "trial.py", "training.py", "callbacks.py", "checkpoints.py", "pruning.py",
    "stacked_trial.py", "stacked_training.py",
)  # fmt: skip


def provenance(*, backend: str, data_fingerprint: str, device: str = "cpu") -> dict[str, Any]:
    """What has to be known to repeat a run. Never raises; whatever cannot be found out says `unknown`.

    Args:
        backend: the kernels that computed (`eager`, `compiled`, `triton`).
        data_fingerprint: hash of the data's content and split.
        device: torch's name of the device that computed (`cpu`, `cuda:0`).

    Returns:
        `commit`, `code` (hash of the sources that compute a run), `versions` (package -> version), `device` in words,
        `backend`, `data_fingerprint`.
    """
    return {
        "commit": commit(),
        "code": code(),
        "versions": dict(_versions()),
        "device": _device(device),
        "backend": backend,
        "data_fingerprint": data_fingerprint,
    }


@cache
def commit() -> str:
    """Commit of the source in use, with `-dirty` when its code was changed since; else the installed version."""
    package = Path(__file__).resolve().parent
    # A wheel inside somebody else's checkout must not borrow that checkout's commit: the file has to be tracked.
    if _git(package, "ls-files", "--error-unmatch", Path(__file__).name) is None:
        return f"ablate-snn {_version('ablate-snn')}"
    head = _git(package, "rev-parse", "--short=12", "HEAD")
    if not head:
        return "unknown"
    changes = _git(package.parent, "status", "--porcelain", "--untracked-files=no", "--", *ROOMS)
    return head if changes == "" else f"{head}-dirty"


@cache
def code() -> str:
    """Hash of the sources that decide what a run computes: 12 hexadecimal digits.

    Finer and coarser than the commit: edits that were not committed count, those of guides and the engine do not.
    """
    package = Path(__file__).resolve().parent
    sources = [package / name for name in _OF_A_RUN]
    science = package.parent / "lightning_modules"
    sources += sorted(path for path in science.rglob("*") if path.suffix in (".py", ".c"))
    return _hash((path.relative_to(package.parent).as_posix(), path) for path in sources)


def code_of(plugins: Iterable[str]) -> dict[str, str]:
    """Name -> hash of the sources of plug-ins, 12 hexadecimal digits: what a person's own levels compute.

    Args:
        plugins: names of modules that were imported.
    """
    return {name: _hash_of_module(name) for name in plugins}


@cache
def _hash_of_module(name: str) -> str:
    module = sys.modules[name]
    folders = [Path(each) for each in getattr(module, "__path__", ())]
    sources = [path for folder in folders for path in sorted(folder.rglob("*.py"))] or [Path(str(module.__file__))]
    return _hash((path.name, path) for path in sources)


def _hash(sources: Iterable[tuple[str, Path]]) -> str:
    """12 hexadecimal digits of files and the names that they go by."""
    found = hashlib.sha256()
    for name, path in sources:
        found.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]


def _git(directory: Path, *arguments: str) -> str | None:
    """Output of a git command, None when it fails or git is missing."""
    # A git hook sets GIT_DIR and the like, which would point the command at another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(directory), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, env=environment, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"


def _device(name: str) -> str:
    """`AMD EPYC 7B13, 2 threads` or `NVIDIA H200`."""
    try:
        import torch

        if name.startswith("cuda"):
            return str(torch.cuda.get_device_name(torch.device(name)))
        threads = torch.get_num_threads()
    except Exception:  # a record without a device's name is better than no record
        return name
    described = _processor() if name == "cpu" else name
    return f"{described}, {threads} thread{'s' if threads > 1 else ''}"


@cache
def _processor() -> str:
    """The processor's marketing name, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next((name for name in names if name), platform.machine() or "unknown processor")
