"""How long a batch of event frames takes to augment: 64 recordings of 10 frames of 2 x 64 x 64, with one thread."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lightning_modules import streams
from lightning_modules.building import create


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32], ids=str)
@pytest.mark.parametrize("level", ["events", "nda", "eventdrop"])
def test_augmenting_a_batch(benchmark: Any, level: str, kind: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 4, (64, 10, 2, 64, 64), dtype=torch.uint8, generator=generator).to(kind)
    augment = create("augment", level)
    draws = streams.uniform(0, "augment", 0, torch.arange(64), 1, (augment.draws,))[0]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        benchmark.pedantic(augment, (frames, draws, torch.empty(0)), rounds=10, warmup_rounds=2)
    finally:
        torch.set_num_threads(before)
