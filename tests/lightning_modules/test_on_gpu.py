"""The science on a CUDA GPU: every level, the data and the counts are what they are on the CPU. `pytest -m gpu`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from levels_in_models import AXES, model_with
from torch import Tensor

from lightning_modules import catalogue, streams
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.augmentation import Standard
from lightning_modules.data.batches import EpochOrder, TensorBatches
from lightning_modules.data.event_augmentation import EventFrames
from lightning_modules.data.mixing import CutMix, MixUp
from lightning_modules.diagnostics import watched
from lightning_modules.energy import cost
from lightning_modules.kernels.compiler import Backend
from lightning_modules.operations import counted
from lightning_modules.precision import cuda_arithmetic

DEVICE = "cuda"
pytestmark = [pytest.mark.gpu, pytest.mark.timeout(1200)]


def levels() -> Iterator[Any]:
    for entry in (entry for axis in (*AXES, "loss") for entry in catalogue.levels(axis).values()):
        model = {} if entry.axis == "loss" else model_with(entry)
        shape = (3, 2, 10, 10) if entry.facts.get("input") == "events" else (1, 9, 9)
        training = {"loss": entry.name} if entry.axis == "loss" else {}
        yield pytest.param(model, training, shape, id=f"{entry.axis}-{entry.name}")


def step(classifier: SpikingClassifier, backend: Backend, x: Tensor, device: str) -> dict[str, Tensor]:
    """Everything that a step of training finds, on the CPU."""
    classifier = copy.deepcopy(classifier).to(device)
    classifier.network.use_backend(backend)
    x, target = x.to(device), (torch.arange(len(x)) % 4).to(device)
    noise = classifier.noise(x, torch.arange(len(x), device=device), training=False)
    outputs = classifier.outputs(x, noise)
    classifier.loss(outputs, target, classifier.network.readout).backward()
    found = {"outputs": outputs.detach(), **dict(classifier.network.named_buffers())}
    found |= {name: each.grad for name, each in classifier.network.named_parameters() if each.grad is not None}
    return {name: value.cpu() for name, value in found.items()}


@pytest.mark.parametrize("backend", ["eager", "triton"])
@pytest.mark.parametrize(("model", "training", "shape"), levels())
def test_every_level_computes_what_it_does_on_the_cpu(
    model: dict[str, Any], training: dict[str, Any], shape: tuple[int, ...], backend: Backend
) -> None:
    """In float64: outputs, gradients and running statistics to 1e-9 of their size."""
    sizes = {"depth": 1, "width": 4, "timesteps": 3, "frame_size": 8} | model
    classifier = SpikingClassifier(sizes, training, in_channels=shape[-3], classes=4, events=len(shape) == 4).double()
    x = torch.rand(5, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with cuda_arithmetic("32-true", torch.device(DEVICE)):
        expected, found = (step(classifier, *where) for where in (("eager", x, "cpu"), (backend, x, DEVICE)))
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        size = max(1.0, float(value.abs().max()))
        torch.testing.assert_close(
            found[name], value, rtol=0, atol=1e-9 * size, msg=lambda text, name=name: f"{name}: {text}"
        )


@pytest.mark.parametrize("backend", ["eager", "triton"])
def test_spikes_and_operations_are_counted_alike(backend: Backend) -> None:
    """To the last one: what an input takes part in are whole numbers."""
    classifier = SpikingClassifier({"depth": 1, "width": 4, "timesteps": 3}, {}, in_channels=3, classes=4).double()
    x = torch.rand(5, 3, 32, 32, dtype=torch.float64)
    found = []
    for how, device in (("eager", "cpu"), (backend, DEVICE)):
        network = copy.deepcopy(classifier.network).to(device).eval()
        network.use_backend(how)  # type: ignore[arg-type]
        with torch.no_grad(), counted(network) as counts, watched(network) as seen:
            network(x.to(device))
        found.append((cost(counts, len(x)), seen.use.shares()))
    assert found[0] == found[1]


@pytest.mark.parametrize(("precision", "least", "most"), [("32-true", 0.0, 1e-6), ("tf32", 1e-5, 1e-2)])
@pytest.mark.parametrize("product", [torch.nn.functional.conv2d, lambda x, w: x.flatten(1) @ w.flatten(1).mT])
def test_products_are_rounded_as_the_precision_says(
    product: Callable[[Tensor, Tensor], Tensor], precision: Any, least: float, most: float
) -> None:
    x, weight = (torch.randn(64, 64, 8, 8, dtype=torch.float64, device=DEVICE) for _ in range(2))
    exact = product(x, weight)
    with cuda_arithmetic(precision, torch.device(DEVICE)):
        error = (product(x.float(), weight.float()) - exact).norm() / exact.norm()
    assert least <= float(error) <= most


@pytest.mark.parametrize("held_on", ["cpu", DEVICE])
@pytest.mark.parametrize("mix", [MixUp(), CutMix()])
@pytest.mark.parametrize(
    ("shape", "augment"),
    [((3, 16, 16), Standard(cutout=4)), ((4, 2, 16, 16), EventFrames(rotate=10, shear=5, drop="any", polarity=True))],
)
def test_batches_are_those_of_the_cpu(shape: tuple[int, ...], augment: Any, mix: Any, held_on: str) -> None:
    """Order, augmentation and mixing are drawn from numbers that every device has; images may lie beside it."""
    draws = torch.Generator().manual_seed(0)
    images = torch.randint(0, 5, (50, *shape), generator=draws, dtype=torch.uint8)
    labels = torch.randint(0, 4, (50,), generator=draws)

    def prepare(stored: Tensor, index: Tensor, epoch: int) -> Tensor:
        uniform = streams.uniform(0, "augment", epoch, index, 1, (augment.draws,))[0]
        return augment(stored, uniform, torch.zeros(shape[-3], dtype=torch.uint8, device=stored.device)).float()

    def batches(device: str, held: str) -> list[tuple[Tensor, ...]]:
        loader = TensorBatches(
            images.to(held), labels.to(device), torch.arange(50, device=device), batch_size=8, prepare=prepare,
            order=EpochOrder(3), mix=lambda x, y, epoch, batch: mix(x, y, classes=4, seed=0, epoch=epoch, batch=batch),
        )  # fmt: skip
        return list(loader)

    for expected, found in zip(batches("cpu", "cpu"), batches(DEVICE, held_on), strict=True):
        for one, other in zip(expected, found, strict=True):
            assert other.device.type == DEVICE
            torch.testing.assert_close(other.cpu(), one)
