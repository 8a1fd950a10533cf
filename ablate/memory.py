"""Peak memory of one attempt, also in a process that ran others before."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from types import TracebackType

import psutil

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """Measures the peak between entry and exit: of the GPU's allocator, else of this process, in MB (10^6 bytes).

    A process's own high-water mark can be reset on Linux only; elsewhere the memory in use at exit is reported.
    """

    def __init__(self, device: str) -> None:
        self._on_gpu = device == "cuda"
        self.megabytes: float | None = None

    def __enter__(self) -> PeakMemory:
        if self._on_gpu:
            import torch

            gc.collect()  # a run before this one, whose parts know one another, may still lie there
            torch.cuda.reset_peak_memory_stats()
        else:
            with contextlib.suppress(OSError):
                _CLEAR.write_text("5")  # man 5 proc: resets the "peak resident set size" to the current one
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on_gpu:
            import torch

            self.megabytes = torch.cuda.max_memory_allocated() / 1e6
            return
        try:
            line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
            self.megabytes = int(line.split()[1]) * 1024 / 1e6
        except (OSError, StopIteration):
            self.megabytes = psutil.Process().memory_info().rss / 1e6
