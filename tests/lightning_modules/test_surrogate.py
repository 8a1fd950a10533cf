"""Surrogates: a step forward, the equation of the catalogue backward."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from lightning_modules import catalogue, create
from lightning_modules.level import Level

NAMES = list(catalogue.levels("surrogate"))
REFERENCES = {
    "piecewise_quadratic": ("triangle", {"gamma": 1.0}),
    "rectangle": ("rectangle", {"a": 0.5}),
    "atan": ("atan", {"alpha": 2.0}),
    "sigmoid": ("sigmoid", {"alpha": 4.0}),
    "fast_sigmoid_slope25": ("fast_sigmoid", {"k": 25.0}),
}


@pytest.mark.parametrize("reference", REFERENCES)
def test_gradients_equal_the_reference_to_float32(levels: dict[str, Tensor], reference: str) -> None:
    """Absolute tolerance 1e-6, with gradients up to 2."""
    name, options = REFERENCES[reference]
    u = levels["surrogate/x"].clone().requires_grad_()
    create("surrogate", name, **options).spike(u).sum().backward()
    torch.testing.assert_close(u.grad, levels[f"surrogate/{reference}/grad"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(u=st.floats(-3, 3, allow_nan=False))
def test_the_gradient_is_the_slope_of_the_smooth_primitive(name: str, u: float) -> None:
    """Central differences in float64; points within 1e-4 of the rectangle's edge have no slope."""
    step, point = 1e-6, torch.tensor([u], dtype=torch.float64)
    if name == "rectangle" and abs(abs(u) - 0.5) < 1e-4:
        return
    surrogate = create("surrogate", name)
    slope = (surrogate.smooth(point + step) - surrogate.smooth(point - step)) / (2 * step)
    torch.testing.assert_close(surrogate.derivative(point), slope, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_spike_is_a_step_and_the_threshold_itself_is_decided_by_fire(name: str) -> None:
    u = torch.tensor([-1.0, -0.0, 0.0, 1.0])
    surrogate = create("surrogate", name)
    assert surrogate.spike(u, "gt").tolist() == [0, 0, 0, 1]
    assert surrogate.spike(u, "ge").tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize("name", NAMES)
def test_the_derivative_leaves_its_argument_alone(name: str) -> None:
    u = torch.linspace(-2, 2, 9)
    before = u.clone()
    create("surrogate", name).derivative(u)
    assert torch.equal(u, before)


@pytest.mark.parametrize(("name", "option"), [("triangle", "width"), ("rectangle", "a")])
def test_the_gradient_is_zero_outside_the_support_that_the_catalogue_states(name: str, option: str) -> None:
    level = Level(name, ((option, 0.75),))
    half_width = catalogue.fact("surrogate", level, "support")
    surrogate = create("surrogate", level)
    assert half_width == 0.75
    assert surrogate.derivative(torch.tensor([-0.76, 0.76])).tolist() == [0, 0]
    assert (surrogate.derivative(torch.tensor([-0.74, 0.74])) > 0).all()


def test_the_triangle_of_s_resnet_is_three_tenths_high() -> None:
    u = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0])
    torch.testing.assert_close(create("surrogate", "triangle").derivative(u), torch.tensor([0, 0.15, 0.3, 0.15, 0]))
