"""The peak of an attempt is its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ablate.memory import PeakMemory


def test_a_run_before_this_one_is_off_the_gpu_when_counting_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts know one another, so that they stay until somebody looks for such circles."""
    left: list[Any] = [1]

    class Part:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            left.clear()

    Part()
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda: left.append("reset"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3_000_000)
    with PeakMemory("cuda") as memory:
        assert left == ["reset"]
    assert memory.megabytes == 3
