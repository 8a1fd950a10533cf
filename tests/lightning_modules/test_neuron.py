"""Neurons: exact against the reference numbers, and what must hold of any input."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lightning_modules import catalogue, create

NAMES = list(catalogue.levels("neuron"))
MODELS = {
    "if": ("if", {}),
    "lif_tau2_decay_input": ("lif", {"tau": 2.0, "decay_input": True}),
    "lif_tau2_no_decay_input": ("lif", {"tau": 2.0, "decay_input": False}),
    "plif_tau2_decay_input": ("plif", {"tau0": 2.0, "decay_input": True}),
}
REFERENCE_SETTINGS = {"threshold": 1.0, "surrogate": "atan", "fire": "ge"}


def build(name: str, timesteps: int = 6, **arguments: Any) -> nn.Module:
    module: nn.Module = create("neuron", name, timesteps=1 if name == "relu" else timesteps, **arguments)
    return module


def current(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) + 0.3


@pytest.mark.parametrize("detach", ["detach", "attach"])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("model", MODELS)
def test_spikes_and_gradients_equal_the_reference(
    levels: dict[str, Tensor], model: str, reset: str, detach: str
) -> None:
    """Spikes equal; gradients to 1e-6, those of the learnt time constant (a sum) to 1e-5 relative."""
    name, options = MODELS[model]
    neuron = create("neuron", name, reset=reset, detach_reset=detach == "detach", **options, **REFERENCE_SETTINGS)
    x = levels["neuron/x"].clone().requires_grad_()
    spikes = neuron(x)
    spikes.backward(levels["neuron/g"])
    key = f"neuron/{model}/{reset}/{detach}"
    assert torch.equal(spikes, levels[f"{key}/spikes"])
    torch.testing.assert_close(x.grad, levels[f"{key}/grad_x"], rtol=1e-6, atol=1e-6)
    if name == "plif":
        torch.testing.assert_close(neuron.w.grad, levels[f"{key}/grad_w"], rtol=1e-5, atol=1e-6)


def test_psn_equals_the_reference(levels: dict[str, Tensor]) -> None:
    """Spikes equal, gradients to 1e-6."""
    neuron = create("neuron", "psn", timesteps=6, surrogate="atan", fire="ge")
    neuron.load_state_dict({name: levels[f"neuron/psn/{name}"] for name in ("weight", "bias")}, strict=False)
    x = levels["neuron/x"].clone().requires_grad_()
    spikes = neuron(x)
    spikes.backward(levels["neuron/g"])
    assert torch.equal(spikes, levels["neuron/psn/spikes"])
    torch.testing.assert_close(x.grad, levels["neuron/psn/grad_x"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 3), (1, 5, 7, 3), (3, 2, 1, 1, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_outputs_keep_the_shape_and_only_the_control_is_not_binary(name: str, shape: tuple[int, ...]) -> None:
    neuron = build(name)
    x = current(*neuron_shape(name, shape))
    spikes = neuron(x)
    assert spikes.shape == x.shape
    assert neuron.spiking == (name != "relu")
    assert not neuron.spiking or set(spikes.unique().tolist()) <= {0.0, 1.0}


def neuron_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (1 if name == "relu" else 6, *shape)


@pytest.mark.parametrize("name", NAMES)
def test_no_state_survives_a_forward_pass(name: str) -> None:
    neuron = build(name)
    x = current(*neuron_shape(name, (3, 4)))
    first = neuron(x)
    neuron(current(*neuron_shape(name, (3, 4)), seed=1))
    assert torch.equal(first, neuron(x))
    assert not [buffer for buffer, _ in neuron.named_buffers() if buffer != "mask"]


@pytest.mark.parametrize("name", NAMES)
def test_permuting_samples_permutes_spikes(name: str) -> None:
    neuron = build(name)
    x = current(*neuron_shape(name, (5, 4)))
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.equal(neuron(x)[:, order], neuron(x[:, order]))


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_and_the_input_get_a_gradient(name: str) -> None:
    neuron = build(name, surrogate="atan")
    x = current(*neuron_shape(name, (8, 8))).requires_grad_()
    neuron(x).sum().backward()
    assert all(tensor.grad is not None and tensor.grad.abs().sum() > 0 for tensor in (x, *neuron.parameters()))


@pytest.mark.parametrize("name", ["if", "lif", "plif", "klif", "alif", "masked_psn"])
def test_later_inputs_do_not_change_earlier_spikes(name: str) -> None:
    neuron = build(name)
    x = current(6, 4, 4)
    changed = x.clone()
    changed[4:] += 1
    assert torch.equal(neuron(x)[:4], neuron(changed)[:4])


@pytest.mark.parametrize("name", ["if", "lif", "plif", "klif", "alif"])
def test_another_number_of_steps_needs_no_other_neuron(name: str) -> None:
    neuron = build(name)
    x = current(9, 4)
    assert torch.equal(neuron(x)[:6], neuron(x[:6]))


@pytest.mark.parametrize("name", ["psn", "masked_psn"])
def test_a_neuron_with_t_in_its_weights_refuses_another_t(name: str) -> None:
    with pytest.raises(ValueError, match="timesteps: this psn was built for 6 steps and got 5"):
        build(name)(current(5, 4))
    with pytest.raises(ValueError, match="timesteps"):
        create("neuron", name)


def test_the_control_without_spikes_has_one_step() -> None:
    x = current(1, 3, 4)
    assert torch.equal(create("neuron", "relu")(x), x.clamp(min=0))
    with pytest.raises(ValueError, match="1 step, not 4"):
        create("neuron", "relu", timesteps=4)
    with pytest.raises(ValueError, match="1 step, not 2"):
        create("neuron", "relu")(current(2, 3))


@pytest.mark.parametrize("fire", ["gt", "ge"])
@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(-2, 2, width=32), min_size=1, max_size=8), threshold=st.sampled_from([0.5, 1.0]))
def test_with_one_step_and_no_leak_a_lif_is_a_threshold(fire: str, values: list[float], threshold: float) -> None:
    x = torch.tensor([values])
    spikes = create("neuron", "lif", leak=1.0, threshold=threshold, fire=fire)(x)
    assert torch.equal(spikes, (x >= threshold if fire == "ge" else x > threshold).float())


@settings(max_examples=30, deadline=None)
@given(
    charges=st.lists(st.integers(-8, 8), min_size=1, max_size=12),
    threshold=st.sampled_from([0.5, 1.0, 2.0]),
)
def test_reset_by_subtraction_without_leak_conserves_charge(charges: list[int], threshold: float) -> None:
    """What came in is what went out in spikes plus what the next step finds: it fires if that, plus a probe, passes."""
    x = torch.tensor(charges, dtype=torch.float32).unsqueeze(1) / 4
    neuron = create("neuron", "if", threshold=threshold)
    left = x.sum() - threshold * neuron(x).sum()
    for excess, fires in ((0.125, 1.0), (-0.125, 0.0)):
        probe = (threshold - left + excess).view(1, 1)
        assert neuron(torch.cat([x, probe]))[-1].item() == fires


@pytest.mark.parametrize(
    ("reset", "expected"), [("subtract", [1, 1, 1, 0]), ("zero", [1, 0, 0, 1]), ("none", [1, 1, 1, 1])]
)
def test_the_reset_takes_effect_in_the_same_step(reset: str, expected: list[int]) -> None:
    x = torch.tensor([2.5, 0.5, 0.5, 0.5]).unsqueeze(1)
    assert create("neuron", "if", reset=reset)(x).flatten().tolist() == expected


def test_tau_and_leak_are_two_spellings_and_decay_input_scales_the_input() -> None:
    x = current(6, 5)
    by_tau = create("neuron", "lif", tau=4.0, leak=0.1)(x)
    assert torch.equal(by_tau, create("neuron", "lif", leak=0.75)(x))
    scaled = create("neuron", "lif", tau=4.0, decay_input=True)(4 * x)
    assert torch.equal(scaled, by_tau)
    assert torch.equal(create("neuron", "lif", leak=0.75, decay_input=True)(4 * x), by_tau)


@pytest.mark.parametrize(("scale", "expected"), [("theta", 0.3 * 0.75 / 2), ("none", 0.3 * 0.5)])
def test_a_scaled_surrogate_argument_also_divides_the_gradient(scale: str, expected: float) -> None:
    x = torch.tensor([[1.5]], requires_grad=True)
    create("neuron", "if", threshold=2.0, scale=scale)(x).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[expected]]))


def test_plif_starts_at_its_time_constant() -> None:
    x = current(6, 5)
    assert torch.equal(create("neuron", "plif", tau0=3.0)(x), create("neuron", "lif", tau=3.0, decay_input=True)(x))


def test_klif_rectifies_the_membrane_it_carries() -> None:
    """k = 1: -1 is forgotten, so that 0.75 twice passes 1."""
    x = torch.tensor([-1.0, 0.75, 0.75]).unsqueeze(1)
    assert create("neuron", "klif", leak=1.0)(x).flatten().tolist() == [0, 0, 1]
    assert create("neuron", "lif", leak=1.0)(x).flatten().tolist() == [0, 0, 0]


def test_alif_raises_its_threshold_after_a_spike_and_forgets() -> None:
    """beta 2, rho 0.5: a spike raises the threshold from 1 to 2, one silent step later to 1.5, then to 1.25."""
    x = torch.tensor([1.1, 1.9, 1.4, 1.3]).unsqueeze(1)
    neuron = create("neuron", "alif", leak=0.0, beta=2.0, rho=0.5)
    assert neuron(x).flatten().tolist() == [1, 0, 0, 1]
    plain = create("neuron", "alif", leak=0.9, beta=0.0)
    assert torch.equal(plain(current(6, 5)), create("neuron", "lif", leak=0.9)(current(6, 5)))


def test_alif_takes_the_raised_threshold_off() -> None:
    """beta 2, rho 0.5: 1.5 fires at 1 and leaves 0.5; 3.5 fires at 2 and leaves 1.5; 2.4 is below 2.5."""
    x = torch.tensor([1.5, 3.0, 0.9]).unsqueeze(1)
    assert create("neuron", "alif", leak=1.0, beta=2.0, rho=0.5)(x).flatten().tolist() == [1, 1, 0]


def test_alif_learns_through_its_threshold() -> None:
    """v = 1 at threshold 2: g(-1/2) = 0.15, dv 1/2, and -v/4 for the threshold, raised by what g(1/2) = 0.15 adds."""
    x = torch.tensor([[1.5], [1.0]], requires_grad=True)
    create("neuron", "alif", leak=0.0, beta=2.0, rho=0.5)(x)[1].sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.tensor([[-0.15 * 0.25 * 0.15], [0.15 * 0.5]]))


def test_klif_learns_k_through_every_step() -> None:
    """v = k (0.5 k + 0.75) = 1.25 at k = 1: g(1/4) = 0.225 and dv/dk = 1.75."""
    x = torch.tensor([[0.5], [0.75]], requires_grad=True)
    neuron = create("neuron", "klif", leak=1.0)
    neuron(x)[1].sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(neuron.k.grad, torch.tensor(0.225 * 1.75))
    torch.testing.assert_close(x.grad, torch.full((2, 1), 0.225))


@pytest.mark.parametrize("name", ["plif", "klif", "alif"])
def test_a_detached_reset_hides_the_spike_from_the_gradient(name: str) -> None:
    """Reset to zero, a spike at the first step: attached, its surrogate times -v reaches the second step."""
    settings = {"reset": "zero", "surrogate": "atan"}
    gradients = []
    for detach in (True, False):
        x = torch.tensor([[3.0], [0.5]], requires_grad=True)
        create("neuron", name, detach_reset=detach, **settings)(x)[1].sum().backward()
        assert x.grad is not None
        gradients.append(x.grad[0].item())
    assert (gradients[0] == 0) == (name != "alif")
    assert gradients[1] < gradients[0]


def test_psn_sees_the_future_and_its_mask_hides_it() -> None:
    neuron = build("masked_psn", order=2)
    seen = neuron.mixing() != 0
    assert seen.tolist() == [[0 <= row - column < 2 for column in range(6)] for row in range(6)]
    assert (build("psn").mixing() != 0).all()
    assert (build("psn").bias == -1).all()


def test_psn_starts_uniform_in_one_over_the_root_of_t() -> None:
    """Kaiming uniform with a = sqrt 5: the bound is sqrt(6 / ((1 + 5) T))."""
    weight = build("psn", timesteps=50).weight.detach()
    assert 0.99 / math.sqrt(50) < weight.abs().max() <= 1 / math.sqrt(50)
    assert weight.std().item() == pytest.approx(1 / math.sqrt(150), rel=0.05)


class Halve(nn.Module):
    carry = False

    def forward(self, v: Tensor) -> Tensor:
        return v / 2


def test_a_membrane_normalisation_feeds_the_comparison_only_unless_carried() -> None:
    """Half the membrane is compared with 1: 1.5, 2 x 1.5 (fires, minus 1), 2 + 1.5 (fires)."""
    x = torch.full((3, 1), 1.5)
    neuron = create("neuron", "if")
    norm = Halve()
    assert neuron(x, norm).flatten().tolist() == [0, 1, 1]
    norm.carry = True
    assert neuron(x, norm).flatten().tolist() == [0, 1, 0]


@pytest.mark.parametrize("name", ["psn", "relu"])
def test_a_neuron_without_membrane_refuses_to_normalise_it(name: str) -> None:
    with pytest.raises(ValueError, match="mpbn normalises a membrane"):
        build(name)(current(*neuron_shape(name, (2,))), Halve())
