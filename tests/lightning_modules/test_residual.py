from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor, nn

from lightning_modules import catalogue, create
from lightning_modules.choices import ModelChoices
from lightning_modules.level import LevelEntry
from lightning_modules.network import SpikingResNet
from lightning_modules.residual import ResidualBlock

_SPIKING_JELLY = {"neuron": "if", "reset": "zero", "detach_reset": True, "surrogate": "atan", "fire": "ge"}
_SEW_NAMES = {
    "conv1.0.": "conv1.",
    "conv1.1.": "fire1.norm.",
    "conv2.0.": "conv2.",
    "conv2.1.": "fire2.norm.",
    "downsample.0.0.": "shortcut.conv.",
    "downsample.0.1.": "shortcut.fire.norm.",
}
_MS_NAMES = {
    "residual_function.1.": "conv1.",
    "residual_function.2.bn.": "fire2.norm.",
    "residual_function.4.": "conv2.",
    "residual_function.5.bn.": "norm.",
    "shortcut.0.": "shortcut.conv.",
    "shortcut.1.bn.": "shortcut.norm.",
}
_LOGIC = ("sew_and", "sew_iand", "or")


def _block(kind: str, **changes: object) -> nn.Module:
    settings = {"in_channels": 4, "out_channels": 4, "timesteps": 3, "normalization": "bn", **changes}
    return create("residual", kind, **settings)


def _spikes(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).gt(0.5).float()


def _load(block: nn.Module, levels: dict[str, Tensor], prefix: str, names: dict[str, str]) -> None:
    state = {}
    for key, value in levels.items():
        if key.startswith(prefix) and not key.endswith("num_batches_tracked"):
            theirs = key.removeprefix(prefix)
            start = next(start for start in names if theirs.startswith(start))
            state[names[start] + theirs.removeprefix(start)] = value
    block.load_state_dict(state)


def _assert_reproduced(block: nn.Module, levels: dict[str, Tensor], inputs: str, outputs: str) -> None:
    x = levels[f"{inputs}/x"].clone().requires_grad_()
    out = block(x)
    out.backward(levels[f"{inputs}/g"])
    torch.testing.assert_close(out, levels[f"{outputs}/out"], rtol=0, atol=1e-5)
    # Float32 through two batch norms: the order of summation in a convolution shows in the fifth digit.
    torch.testing.assert_close(x.grad, levels[f"{outputs}/grad_x"], rtol=1e-5, atol=3e-5)


@pytest.mark.parametrize(("kind", "stride"), product(("sew_add", "sew_and", "sew_iand"), (1, 2)))
def test_sew_blocks_reproduce_their_source(levels: dict[str, Tensor], kind: str, stride: int) -> None:
    block = _block(kind, out_channels=4 * stride, stride=stride, timesteps=6, **_SPIKING_JELLY)
    _load(block, levels, f"block/s{stride}/state/", _SEW_NAMES)
    _assert_reproduced(block, levels, f"block/s{stride}", f"block/s{stride}/{kind}")


@pytest.mark.parametrize("stride", [1, 2])
def test_the_ms_block_reproduces_its_source(levels: dict[str, Tensor], stride: int) -> None:
    block = _block("ms", out_channels=4 * stride, stride=stride, timesteps=6)
    _load(block, levels, f"ms_block/s{stride}/state/", _MS_NAMES)
    _assert_reproduced(block, levels, f"ms_block/s{stride}", f"ms_block/s{stride}")


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("sew_add", [0, 1, 1, 2]),
        ("sresnet", [0, 1, 1, 2]),
        ("sew_and", [0, 0, 0, 1]),
        ("sew_iand", [0, 1, 0, 0]),
        ("or", [0, 1, 1, 1]),
    ],
)
def test_branch_and_shortcut_join_by_their_truth_table(kind: str, table: list[int]) -> None:
    """(a, s) = (0, 0), (0, 1), (1, 0), (1, 1)."""
    a, s = torch.tensor([0.0, 0, 1, 1]), torch.tensor([0.0, 1, 0, 1])
    assert _block(kind).join(a, s).tolist() == table


@pytest.mark.parametrize(
    ("kind", "slopes"),
    [
        ("sew_add", (1, 1)),
        ("sresnet", (1, 1)),
        ("sew_and", (0.25, 0.5)),
        ("sew_iand", (-0.25, 0.5)),
        ("or", (0.75, 0.5)),
    ],
)
def test_gradients_pass_both_sides_of_a_join(kind: str, slopes: tuple[float, float]) -> None:
    """d/da and d/ds at a = 0.5, s = 0.25."""
    a, s = torch.tensor(0.5, requires_grad=True), torch.tensor(0.25, requires_grad=True)
    assert torch.autograd.grad(_block(kind).join(a, s), (a, s)) == slopes


@pytest.mark.parametrize(("kind", "stride"), product(_LOGIC, (1, 2)))
def test_logic_keeps_spikes_binary(kind: str, stride: int) -> None:
    out = _block(kind, out_channels=4 * stride, stride=stride)(_spikes(3, 2, 4, 6, 6))
    assert set(out.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("kind", ["sew_add", "sew_iand", "or", "sresnet", "sew_and", "ms"])
def test_a_zeroed_branch_makes_the_block_its_shortcut(kind: str) -> None:
    firing = {} if kind == "ms" else {"neuron": "if", "fire": "ge", "surrogate": "atan"}
    block = _block(kind, zero_init_residual=True, **firing)
    x = _spikes(3, 2, 4, 6, 6)
    assert torch.equal(block(x), x)


def test_a_zeroed_vanilla_branch_leaves_the_neuron_of_the_shortcut() -> None:
    block = _block("vanilla")
    x = 2 * _spikes(3, 2, 4, 6, 6)
    assert torch.equal(block(x), block.fire2.neuron(x))


def test_zero_init_reaches_every_step_of_bntt() -> None:
    block = _block("sew_add", normalization="bntt", zero_init_residual=True, surrogate="atan")
    assert not block.fire2.norm.weight.any() and block.fire1.norm.weight.eq(1).all()


def test_zero_init_of_a_normalisation_without_weight_is_refused_only_when_asked_for() -> None:
    assert not list(_block("ms", normalization="none").norm.parameters())
    with pytest.raises(ValueError, match="no weight"):
        _block("ms", normalization="none", zero_init_residual=True)


@pytest.mark.parametrize("setting", [{"shortcut": "conv_norm"}, {"zero_init_residual": True}])
def test_plain_takes_nothing_of_a_shortcut(setting: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="plain has no shortcut"):
        _block("plain", **setting)


@pytest.mark.parametrize("kind", list(catalogue.levels("residual")))
def test_defaults_are_those_that_the_catalogue_states(kind: str) -> None:
    facts = catalogue.entry("residual", kind).facts
    block = _block(kind, out_channels=8, stride=2)
    named = facts["shortcut"] and catalogue.entry("shortcut", str(facts["shortcut"])).factory.partition(":")[2]
    assert (block.shortcut and type(block.shortcut).__name__) == named
    assert bool(block.last_norm().weight.eq(0).all()) == facts["zero_init_residual"]


@pytest.mark.parametrize(("kind", "shortcut"), product(["vanilla", "sew_add", "ms"], catalogue.levels("shortcut")))
def test_any_shortcut_can_be_chosen(kind: str, shortcut: str) -> None:
    block = _block(kind, out_channels=8, stride=2, shortcut=shortcut)
    assert block(_spikes(3, 2, 4, 7, 7)).shape == (3, 2, 8, 4, 4)


def test_no_convolution_stands_in_the_shortcut_where_the_shape_stays() -> None:
    assert _block("sresnet", shortcut="conv_norm_sn").shortcut is None


def test_ms_brings_its_own_membrane_unless_told_otherwise() -> None:
    own = _block("ms").layers
    assert (own.leak, own.threshold, own.reset, own.scale) == (0.25, 0.5, "zero", "none")
    assert _block("ms", leak=0.9).layers.leak == 0.9
    model = _block("ms", membrane="model").layers
    assert (model.leak, model.threshold, model.reset, model.scale) == (0.8744, 1.0, "subtract", "theta")


@pytest.mark.parametrize("normalization", ["bn", "bntt", "tdbn", "mpbn"])
def test_ms_norms_start_at_the_threshold_and_the_last_at_zero(normalization: str) -> None:
    block = _block("ms", out_channels=8, stride=2, normalization=normalization)
    x = torch.randn(3, 16, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    assert not block.norm.weight.any()
    assert block.shortcut(x).std().item() == pytest.approx(0.5, rel=0.01)


def test_sums_of_sresnet_grow_to_integers_that_the_next_block_reads() -> None:
    x = _spikes(3, 2, 4, 6, 6)
    out = _block("sresnet")(_block("sresnet")(x))
    assert out.max() > 1 and torch.equal(out, out.round())


def test_vanilla_normalises_both_branches_as_added_ones() -> None:
    block = _block("vanilla", out_channels=8, stride=2, normalization="tdbn", zero_init_residual=False)
    assert block.fire2.norm.constant == block.shortcut.norm.constant == pytest.approx(0.5**0.5)
    assert block.fire1.norm.constant == 1


@pytest.mark.parametrize("kind", list(catalogue.levels("residual")))
def test_every_weight_of_a_block_learns(kind: str) -> None:
    block = _block(kind, out_channels=8, stride=2, zero_init_residual=False, surrogate="atan")
    weights = torch.rand(3, 2, 8, 3, 3, generator=torch.Generator().manual_seed(1))
    (block(3 * _spikes(3, 2, 4, 6, 6)) * weights).sum().backward()
    assert not [name for name, each in block.named_parameters() if each.grad is None or not each.grad.any()]


class Xor(ResidualBlock):
    """A user's block."""

    default_shortcut = "conv_norm_sn"

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s - 2 * a * s


def test_a_block_of_ones_own_is_a_join_and_an_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = LevelEntry("residual", "xor", "a + s - 2 a s", "a user", factory=f"{__name__}:Xor")
    monkeypatch.setitem(catalogue._ENTRIES["residual"], "xor", entry)
    choices = ModelChoices.model_validate({"residual": "xor", "depth": 1, "width": 4, "timesteps": 2})
    assert SpikingResNet(choices, in_channels=1, classes=3)(torch.rand(2, 1, 8, 8)).shape == (2, 3)
    assert set(_block("xor")(_spikes(3, 2, 4, 6, 6)).unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize("kind", list(catalogue.levels("residual")))
def test_gradients_are_those_of_finite_differences_where_no_spike_flips(kind: str) -> None:
    """With spikes held apart from the threshold only the paths around the neurons carry a true derivative."""
    block = _block(kind, out_channels=8, stride=2, surrogate={"name": "rectangle", "a": 1e-9}).double()
    x = torch.randn(3, 2, 4, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    weights = torch.randn(3, 2, 8, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (block.eval()(x) * weights).sum().backward()
    step = 1e-7 * torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    with torch.no_grad():
        change = ((block(x + step) - block(x - step)) * weights).sum() / 2
    torch.testing.assert_close((x.grad * step).sum(), change, rtol=1e-6, atol=1e-12)
