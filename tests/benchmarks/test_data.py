"""How long an epoch of 50,000 augmented, normalised CIFAR images takes to prepare: at most 2 s on 2 cores.

Measured with one thread, which is what each of two workers has. Run with `pytest tests/benchmarks` (extra `bench`);
timings are no part of the test suite.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.module import TensorData
from lightning_modules.data.splits import Split

IMAGES = 50_000


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (IMAGES, 3, 32, 32), dtype=torch.uint8, generator=generator)
    everything = Split("random", tuple(range(IMAGES)), (), ())
    return Arrays(images, torch.zeros(IMAGES, dtype=torch.int64), 255, everything)


@pytest.mark.parametrize("batch_size", [21, 50, 500])
@pytest.mark.parametrize("augment", ["none", "standard", {"name": "standard", "cutout": 16}], ids=str)
def test_preparing_an_epoch(benchmark: Any, arrays: Arrays, augment: Any, batch_size: int) -> None:
    facts = data.describe(DataChoices(name="cifar10", subset=IMAGES))
    module = TensorData(
        arrays,
        facts,
        batch_size=batch_size,
        input_range="normalized",
        seed=0,
        augment=create("augment", augment),
    )
    loader = module.train_dataloader()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        benchmark.pedantic(lambda: sum(len(y) for _, y, _ in loader), rounds=3, warmup_rounds=1)
    finally:
        torch.set_num_threads(before)
