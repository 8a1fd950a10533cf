"""Normalisations: exact against the reference numbers, and their defining statistics."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from lightning_modules import catalogue, create
from lightning_modules.level import Level

NAMES = list(catalogue.levels("normalization"))
OPTIONS: dict[str, dict[str, Any]] = {"tdbn": {"factor": "initial_gamma"}, "group": {"groups": 2}}
BATCH = [name for name in NAMES if catalogue.fact("normalization", Level(name), "batch")]


def build(name: str, channels: int = 4, timesteps: int = 6, **arguments: Any) -> nn.Module:
    options = {"groups": 2} if name == "group" else {}
    module: nn.Module = create("normalization", name, channels=channels, timesteps=timesteps, **options | arguments)
    return module


def values(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype) + 0.5


def reference(levels: dict[str, Tensor], name: str, group: str, tensor: str) -> Tensor:
    """One array; the source's BNTT keeps a list of BatchNorms, whose rows are stacked here as ours are."""
    if name == "bntt":
        return torch.stack([levels[f"norm/bntt/{group}/bn_list.{t}.{tensor}"] for t in range(6)])
    return levels[f"norm/{name}/{group}/{tensor}"]


@pytest.mark.parametrize("name", ["bn", "bntt", "tdbn", "tebn"])
def test_training_evaluation_and_statistics_equal_the_reference(levels: dict[str, Tensor], name: str) -> None:
    """Absolute tolerance 1e-6 on outputs and statistics, 1e-5 on the gradients of parameters (sums over 450 values)."""
    norm = build(name, eps=1e-5, **OPTIONS.get(name, {}))
    parameters = dict(norm.named_parameters())
    norm.load_state_dict({key: reference(levels, name, "param", key) for key in parameters}, strict=False)
    x = levels["norm/x"].clone().requires_grad_()
    out = norm(x)
    out.backward(levels["norm/g"])
    torch.testing.assert_close(out, levels[f"norm/{name}/train_out"], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(x.grad, levels[f"norm/{name}/grad_x"], rtol=1e-6, atol=1e-6)
    for key, parameter in parameters.items():
        torch.testing.assert_close(parameter.grad, reference(levels, name, "grad", key), rtol=1e-5, atol=1e-5)
    for key, buffer in norm.named_buffers():
        torch.testing.assert_close(buffer, reference(levels, name, "buffer_after", key), rtol=1e-6, atol=1e-6)
    evaluated = norm.eval()(levels["norm/x"])
    torch.testing.assert_close(evaluated, levels[f"norm/{name}/eval_out"], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 3, 4), (6, 3, 4, 5), (6, 3, 4, 5, 7), (6, 2, 4, 1, 1)])
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_pixels_is_accepted_in_training_and_evaluation(name: str, shape: tuple[int, ...]) -> None:
    norm = build(name)
    assert norm(values(*shape)).shape == shape
    assert norm.eval()(values(*shape)).shape == shape


@pytest.mark.parametrize("name", NAMES)
def test_one_step_is_enough(name: str) -> None:
    x = values(1, 3, 4, 3, 3)
    assert build(name, timesteps=1)(x).shape == x.shape


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_permuting_samples_permutes_outputs(name: str, training: bool) -> None:
    """To 1e-12 in float64: sums over the batch are taken in another order."""
    norm = build(name).double().train(training)
    x = values(6, 5, 4, 3, 3, dtype=torch.float64)
    order = torch.tensor([3, 0, 4, 1, 2])
    torch.testing.assert_close(norm(x)[:, order], norm(x[:, order]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_changes_nothing_and_repeats_itself(name: str) -> None:
    norm = build(name)
    norm(values(6, 3, 4, 3, 3))
    norm.eval()
    before = {key: tensor.clone() for key, tensor in norm.state_dict().items()}
    x = values(6, 3, 4, 3, 3, seed=1)
    assert torch.equal(norm(x), norm(x))
    assert all(torch.equal(before[key], tensor) for key, tensor in norm.state_dict().items())


@pytest.mark.parametrize("name", BATCH)
def test_evaluation_does_not_look_at_the_batch(name: str) -> None:
    norm = build(name).eval()
    x = values(6, 3, 4, 3, 3)
    torch.testing.assert_close(norm(x)[:, :1], norm(x[:, :1]), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", BATCH)
def test_statistics_learnt_in_one_step_of_momentum_one_are_those_of_the_batch(name: str) -> None:
    """So evaluation repeats training, but for the unbiased variance (1 part in 3 x 9 samples a step at most)."""
    norm = build(name, momentum=1.0)
    x = values(1, 30, 4, 3, 3).expand(6, -1, -1, -1, -1)
    trained = norm(x)
    torch.testing.assert_close(norm.eval()(x), trained, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    norm = build(name).double()
    for parameter in norm.parameters():
        parameter.data.add_(0.1 * values(*parameter.shape, seed=2, dtype=torch.float64))
    x = values(6, 2, 4, 2, 1, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(norm, (x,), atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(threshold=st.sampled_from([0.5, 1.0, 2.0]), added=st.booleans(), constant=st.booleans())
def test_tdbn_starts_with_the_deviation_alpha_theta(threshold: float, added: bool, constant: bool) -> None:
    branch, factor = ("added" if added else "single"), ("constant" if constant else "initial_gamma")
    norm = build("tdbn", threshold=threshold, branch=branch, factor=factor)
    alpha = 1 / math.sqrt(2) if added else 1.0
    variance = norm(values(6, 8, 4, 5, 5)).transpose(1, 2).flatten(2).var((0, 2), correction=0)
    torch.testing.assert_close(variance, torch.full((4,), (alpha * threshold) ** 2), rtol=1e-3, atol=0)
    gamma = 1.0 if constant else alpha * threshold
    torch.testing.assert_close(norm.weight.detach(), torch.full((4,), gamma))


def test_bn_step_normalises_every_step_and_bn_all_of_them_together() -> None:
    x = values(6, 8, 4, 5, 5) + torch.arange(6.0).view(6, 1, 1, 1, 1)
    by_step, together = build("bn_step")(x).mean((1, 3, 4)), build("bn")(x).mean((1, 3, 4))
    torch.testing.assert_close(by_step, torch.zeros(6, 4), rtol=0, atol=1e-5)
    assert (together.diff(dim=0) > 0.1).all()


def test_bntt_normalises_every_step_with_statistics_of_its_own_in_evaluation_too() -> None:
    norm = build("bntt", momentum=1.0)
    x = values(6, 50, 4, 5, 5) * torch.arange(1.0, 7.0).view(6, 1, 1, 1, 1)
    norm(x)
    out = norm.eval()(x)
    torch.testing.assert_close(out.std((1, 3, 4)), torch.ones(6, 4), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("bias", "main", "present"),
    [(False, True, False), (True, False, True), ("main_only", True, True), ("main_only", False, False)],
)
def test_bntt_has_a_bias_where_it_is_asked_for(bias: bool | str, main: bool, present: bool) -> None:
    norm = build("bntt", bias=bias, main=main)
    assert sum(parameter.numel() for parameter in norm.parameters()) == 6 * 4 * (2 if present else 1)


@pytest.mark.parametrize("name", ["bntt", "tebn"])
def test_weights_of_every_step_refuse_another_number_of_steps(name: str) -> None:
    with pytest.raises(ValueError, match=f"timesteps: this {name} was built for 6 steps and got 5"):
        build(name)(values(5, 3, 4))


def test_tebn_scales_each_step() -> None:
    norm = build("tebn")
    x = values(6, 3, 4, 3, 3)
    plain = norm(x)
    with torch.no_grad():
        norm.scale.copy_(torch.arange(6.0))
    torch.testing.assert_close(norm(x), plain * torch.arange(6.0).view(6, 1, 1, 1, 1))


def test_psp_divides_by_the_second_raw_moment_and_keeps_the_mean() -> None:
    x = values(6, 8, 4, 5, 5)
    out = build("psp")(x)
    moment = out.square().transpose(1, 2).flatten(2).mean((0, 2))
    torch.testing.assert_close(moment, torch.ones(4), rtol=1e-4, atol=1e-4)
    assert torch.equal(out.sign(), x.sign())


@pytest.mark.parametrize("name", ["layer", "group"])
def test_batch_free_controls_normalise_each_sample_and_step_alone(name: str) -> None:
    norm = build(name)
    x = values(6, 3, 4, 5, 5)
    torch.testing.assert_close(norm(x)[2:3, 1:2], norm(x[2:3, 1:2]), rtol=1e-6, atol=1e-6)
    groups = norm(x).reshape(6, 3, norm.groups, -1)
    torch.testing.assert_close(groups.std(3, correction=0), torch.ones(groups.shape[:3]), rtol=1e-3, atol=1e-3)


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"group\.groups: 3 groups do not divide 4 channels"):
        build("group", groups=3)


def test_only_mpbn_normalises_the_membrane_and_says_what_is_carried() -> None:
    assert [name for name in NAMES if build(name).membrane_norm() is not None] == ["mpbn"]
    assert build("mpbn", carry=True).membrane_norm().carry is True
    assert build("mpbn").membrane_norm().carry is False


@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("carry", [False, True])
def test_mpbn_fires_on_the_normalised_membrane_and_carries_what_it_is_told(carry: bool, reset: str) -> None:
    """The steps written out, one channel: leak 0.8, threshold 0.9, gamma 1.3, beta 0.2, eps 0.1, momentum 0.3."""
    norm = build("mpbn", channels=1, carry=carry, eps=0.1, momentum=0.3).membrane_norm().double()
    norm.set_gain(1.3)
    norm.set_bias(0.2)
    x = values(6, 20, 1, dtype=torch.float64)
    spikes = create("neuron", "lif", leak=0.8, threshold=0.9, reset=reset)(x, norm)
    v, mean, variance = torch.zeros(20, 1, dtype=torch.float64), 0.0, 1.0
    for current, fired in zip(x, spikes, strict=True):
        v = 0.8 * v + current
        normalised = 1.3 * (v - v.mean()) / (v.var(correction=0) + 0.1).sqrt() + 0.2
        mean, variance = 0.7 * mean + 0.3 * v.mean().item(), 0.7 * variance + 0.3 * v.var().item()
        assert torch.equal(fired, (normalised > 0.9).double())
        v = normalised if carry else v
        v = v - 0.9 * fired if reset == "subtract" else v * (1 - fired)
    assert (norm.running_mean.item(), norm.running_var.item()) == pytest.approx((mean, variance))


def test_mpbn_folds_into_the_threshold_after_training() -> None:
    """gamma (v - mu) / sigma + beta > theta is v > (theta - beta) sigma / gamma + mu, a threshold a channel."""
    norm, neuron = build("mpbn").membrane_norm(), create("neuron", "lif", reset="zero")
    x = values(6, 30, 4, 3, 3)
    neuron(x, norm)
    norm.eval()
    spikes = neuron(x, norm)
    thresholds = (1 - norm.bias) * (norm.running_var + norm.eps).sqrt() / norm.weight + norm.running_mean
    for channel, threshold in enumerate(thresholds.tolist()):
        folded = create("neuron", "lif", reset="zero", threshold=threshold)
        assert (folded(x[:, :, channel]) != spikes[:, :, channel]).float().mean() < 1e-3
    assert 0 < spikes.mean() < 1


@pytest.mark.parametrize("name", [name for name in NAMES if name != "none"])
@pytest.mark.parametrize("gain", [0.0, 0.5])
def test_the_gain_sets_the_deviation_that_the_output_starts_with(name: str, gain: float) -> None:
    norm = build(name, threshold=2.0)
    norm.set_gain(gain)
    x = values(6, 30, 4, 5, 5)
    out = norm(x)
    expected = gain if name != "psp" else gain * (x.std() / x.square().mean().sqrt()).item()
    assert out.std().item() == pytest.approx(expected, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_says_which_have_a_weight_and_a_bias(name: str) -> None:
    norm, level = build(name), Level(name)
    for fact, setter in (("weight", norm.set_gain), ("bias", norm.set_bias)):
        if catalogue.fact("normalization", level, fact):
            setter(1.0)
        else:
            with pytest.raises(ValueError, match=f"has no {fact}"):
                setter(1.0)


def test_a_bias_can_start_anywhere() -> None:
    norm = build("bntt", bias=True)
    norm.set_gain(0.0)
    norm.set_bias(1.0)
    assert torch.equal(norm(values(6, 3, 4, 3, 3)), torch.ones(6, 3, 4, 3, 3))


def test_an_unknown_branch_is_refused() -> None:
    with pytest.raises(ValueError, match="branch: 'sum' is not accepted; one of single, added"):
        build("bn", branch="sum")
