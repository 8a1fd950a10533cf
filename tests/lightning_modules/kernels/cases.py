"""One layer in two back ends: what they have to agree on, and the combinations that are drawn."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Literal

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from lightning_modules import create
from lightning_modules.layers import NormFire

NORMS = ["none", "bn", "bn_step", "bntt", "tdbn", "tebn", "psp", {"name": "bntt", "bias": False}, "layer"]
LEARNT: list[Any] = ["plif", {"name": "plif", "decay_input": False}, "klif", {"name": "klif", "tau": 2.0}]
LEARNT += ["alif", {"name": "alif", "beta": 0.4, "rho": 0.5, "decay_input": True}]
SURROGATES = ["triangle", "rectangle", "atan", "sigmoid", "fast_sigmoid"]


@dataclass(frozen=True)
class Case:
    """One layer and the shape of its input `[T, N, C, H, W]`."""

    shape: tuple[int, int, int, int, int]
    norm: Any = "bntt"
    surrogate: str = "triangle"
    neuron: Any = "lif"
    dynamics: Any = None
    training: bool = True
    added: bool = False
    onto: bool = False
    shared: bool = False
    dtype: torch.dtype = torch.float64


def layer_of(case: Case) -> NormFire:
    """The layer of a case, with parameters and statistics that are not those of the start."""
    torch.manual_seed(0)
    steps, _, channels, _, _ = case.shape
    norm = create("normalization", case.norm, channels=channels, timesteps=steps, threshold=0.75)
    neuron = create("neuron", case.neuron, surrogate=case.surrogate, threshold=0.75, **(case.dynamics or {}))
    layer = NormFire(norm, neuron, None).to(case.dtype).train(case.training)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, 0.5, 1.5)
    for name, buffer in layer.named_buffers():
        nn.init.uniform_(buffer, 0.5, 1.5) if "var" in name or "moment" in name else nn.init.uniform_(buffer, -1, 1)
    return layer


def run(layer: NormFire, case: Case, device: str = "cpu") -> dict[str, Tensor]:
    """Everything that two back ends have to agree on."""
    generator = torch.Generator().manual_seed(1)
    steps, *rest = case.shape

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=case.dtype).to(device)

    x = drawn(1 if case.shared else steps, *rest).add(0.5).requires_grad_()
    added = drawn(*case.shape).requires_grad_() if case.added else None
    onto = drawn(*case.shape).requires_grad_() if case.onto else None
    spikes = layer(x, added, steps if case.shared else None, onto)
    spikes.backward(drawn(*case.shape))
    found = {"spikes": spikes.detach(), "x": x.grad, "added": None if added is None else added.grad}
    found["onto"] = None if onto is None else onto.grad
    found |= {name: parameter.grad for name, parameter in layer.named_parameters()}
    found |= {f"{name} itself": buffer for name, buffer in layer.named_buffers()}
    return {name: value.cpu() for name, value in found.items() if value is not None}


def agree(
    case: Case, tolerance: float, backend: Literal["compiled", "triton"] = "compiled", device: str = "cpu"
) -> None:
    """Spikes, gradients and running statistics equal those of `eager`, to a share of their size."""
    reference = layer_of(case)
    reference.backend = "eager"
    fused = copy.deepcopy(reference).to(device)
    fused.backend = backend
    expected, got = run(reference, case), run(fused, case, device)
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        scale = max(1.0, float(value.abs().max())) if value.numel() else 1.0
        torch.testing.assert_close(got[name], value, rtol=0, atol=tolerance * scale, msg=lambda m, n=name: f"{n}: {m}")


def agree_on_what_is_not_finite(
    case: Case, value: float, backend: Literal["compiled", "triton"] = "compiled", device: str = "cpu"
) -> None:
    """Gradients and running statistics are finite in the same places, with one value of the input that is not."""
    found = []
    for each in ("eager", backend):
        layer = layer_of(case).to(device)
        layer.backend = each  # type: ignore[assignment]
        x = torch.randn(case.shape, dtype=case.dtype, generator=torch.Generator().manual_seed(1))
        x[1, 0, 2, 1, 1] = value
        x = x.to(device).requires_grad_()
        layer(x).square().sum().backward()
        found.append([x.grad, *(parameter.grad for parameter in layer.parameters()), *layer.buffers()])
    for expected, got in zip(*found, strict=True):
        assert expected is not None and got is not None
        assert torch.equal(expected.isfinite(), got.isfinite())


sizes = st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(2, 5))
dynamics = st.fixed_dictionaries(
    {
        "reset": st.sampled_from(["subtract", "zero", "none"]),
        "detach_reset": st.booleans(),
        "fire": st.sampled_from(["gt", "ge"]),
        "scale": st.sampled_from(["theta", "none"]),
        "leak": st.sampled_from([0.0, 0.5, 0.8744, 1.0]),
    }
)
neurons = st.sampled_from(["if", "lif", {"name": "lif", "decay_input": True}, {"name": "lif", "tau": 2.0}, *LEARNT])
cases = st.builds(
    Case,
    shape=sizes,
    norm=st.sampled_from(NORMS),
    surrogate=st.sampled_from(SURROGATES),
    neuron=neurons,
    dynamics=dynamics,
    training=st.booleans(),
    added=st.booleans(),
    onto=st.booleans(),
    shared=st.booleans(),
)
