"""Mixed precision: bfloat16 between layers, float32 inside neurons and normalisations."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ablate.baseline import Baseline
from ablate.identity import cell_id
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.layers import Layers, NormFire
from lightning_modules.precision import cuda_arithmetic

NORMS = ("none", "bn", "bn_step", "bntt", "tebn", "tdbn", "group", "layer")


def _layer(backend: Any, **choices: Any) -> NormFire:
    layer = Layers(timesteps=50, **choices).norm_fire(4)
    layer.backend = backend
    return layer


@pytest.mark.parametrize("backend", ["eager", "compiled"])
@pytest.mark.parametrize("normalization", NORMS)
def test_a_layer_computes_what_it_would_in_float32(backend: str, normalization: str) -> None:
    """The same spikes as for the same, already rounded, currents: none of the 50 steps rounds a membrane."""
    torch.manual_seed(0)
    layer = _layer(backend, normalization=normalization, leak=0.99)
    x = (0.05 * torch.randn(50, 3, 4, 5, 5)).bfloat16()
    added = (0.05 * torch.rand(50, 3, 4, 5, 5)).bfloat16()
    half, full = layer(x, added), layer(x.float(), added.float())
    assert half.dtype == torch.bfloat16 and full.dtype == torch.float32
    assert full.sum() > 50
    assert (half.float() != full).sum() <= 2, "sums are taken in another order; nothing else may differ"


def test_membranes_would_stand_still_in_bfloat16() -> None:
    """1.0 + 0.003 is 1.0 in bfloat16: a membrane kept in it would never reach 1.1."""
    layer = _layer("eager", normalization="none", leak=1.0, threshold=1.1)
    x = torch.full((50, 1, 4, 1, 1), 0.003).bfloat16()
    x[0] = 1.0
    assert torch.tensor(1.0).bfloat16() + x[1, 0, 0, 0, 0] == 1.0
    assert layer(x).sum() == 4


def _classifier(precision: str, **model: Any) -> SpikingClassifier:
    steps = 1 if model.get("neuron") == "relu" else 4
    choices = {"depth": 1, "width": 4, "timesteps": steps, **model}
    return SpikingClassifier(choices, {"precision": precision}, in_channels=1, classes=10, seed=3)


@pytest.mark.parametrize(("neuron", "alike"), [("relu", 0.98), ("lif", 0.6)])
@pytest.mark.parametrize("residual", ["plain", "sew_add", "ms", "sresnet"])
@pytest.mark.parametrize("backend", ["eager", "compiled"])
def test_a_network_in_mixed_precision_is_near_the_one_in_float32(
    residual: str, neuron: str, alike: float, backend: Any
) -> None:
    """Without spikes to rounding; with them as near as a threshold lets rounded currents be."""
    torch.manual_seed(0)
    x, target = torch.rand(16, 1, 12, 12), torch.randint(0, 10, (16,))
    found = {}
    for precision in ("32-true", "bf16-mixed"):
        classifier = _classifier(precision, residual=residual, neuron=neuron)
        classifier.network.use_backend(backend)
        seen: list[torch.dtype] = []
        classifier.network.stem.conv.register_forward_hook(lambda module, given, out, seen=seen: seen.append(out.dtype))
        outputs = classifier.outputs(x)
        assert outputs.dtype == torch.float32
        assert seen == [torch.float32 if precision == "32-true" else torch.bfloat16]
        classifier.loss(outputs, target, classifier.network.readout).backward()
        gradients = [each.grad for each in classifier.network.parameters() if each.grad is not None]
        assert all(each.dtype == torch.float32 and each.isfinite().all() for each in gradients)
        found[precision] = outputs.detach().flatten(), torch.cat([each.flatten() for each in gradients])
    for full, half in zip(found["32-true"], found["bf16-mixed"], strict=True):
        assert not torch.equal(full, half)
        assert torch.cosine_similarity(full, half, dim=0) > alike


def test_precision_is_part_of_what_a_cell_is_and_of_its_checkpoint() -> None:
    study = {"model": {"depth": 1, "width": 4}, "data": {"name": "digits"}}
    ids = {
        cell_id(Baseline.model_validate(study | {"training": {"precision": each}}), dataset="digits-1/digits-v1")
        for each in ("32-true", "tf32", "bf16-mixed")
    }
    assert len(ids) == 3
    assert _classifier("bf16-mixed").hparams["training"]["precision"] == "bf16-mixed"


def _arithmetic() -> tuple[bool, bool, bool]:
    cudnn = torch.backends.cudnn
    return cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32, cudnn.deterministic


@pytest.mark.parametrize(("named", "rounded"), [("32-true", False), ("tf32", True), ("bf16-mixed", False)])
def test_a_gpu_rounds_products_to_tf32_only_where_that_is_asked_for(
    named: Any, rounded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    before = _arithmetic()
    with pytest.raises(KeyError), cuda_arithmetic(named, torch.device("cuda")):
        assert _arithmetic() == (rounded, rounded, True)
        raise KeyError
    assert _arithmetic() == before


@pytest.mark.parametrize(("device", "capability"), [("cpu", (9, 0)), ("cuda", (7, 5))])
def test_tf32_is_refused_where_nothing_can_compute_in_it(
    device: str, capability: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    with (
        pytest.raises(ValueError, match=r"^training\.precision: 'tf32' needs a CUDA GPU .*, not "),
        cuda_arithmetic("tf32", torch.device(device)),
    ):
        pass
