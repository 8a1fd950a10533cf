"""Operations are counted as a loop over every product would count them, and cost what the presets say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lightning_modules import data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.energy import cost, measure
from lightning_modules.layers import StepConv2d
from lightning_modules.network import SpikingResNet
from lightning_modules.operations import Synapses, counted, update_cost


def products(conv: nn.Conv2d, x: Tensor, weigh: bool = False) -> float:
    """Products with an input that is not zero, one by one: `x` is `[N, C, H, W]`."""
    output, kernel, stride, padding = conv(x), conv.kernel_size[0], conv.stride[0], conv.padding[0]
    total = 0.0
    for n, c, i, j in x.nonzero().tolist():
        windows = sum(
            0 <= i + padding - stride * row < kernel and 0 <= j + padding - stride * column < kernel
            for row in range(output.shape[-2])
            for column in range(output.shape[-1])
        )
        total += windows * conv.out_channels * (abs(x[n, c, i, j].item()) if weigh else 1)
    return total


@pytest.mark.parametrize(("kernel", "stride", "size"), [(3, 1, 5), (3, 2, 5), (3, 2, 6), (1, 2, 5), (1, 1, 4)])
def test_effective_operations_equal_a_loop_over_every_product(kernel: int, stride: int, size: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(2, 3, 2, size, size, generator=generator) < 0.3).float()
    conv = StepConv2d(2, 3, kernel, stride)
    synapses = Synapses(dense=False)
    synapses.see(conv, x, conv(x))
    synapses.see(conv, x, conv(x))
    plain = nn.Conv2d(2, 3, kernel, stride, padding=kernel // 2)
    assert synapses.operations(integer_as_ac=False) == (0, 2 * products(plain, x.flatten(0, 1)))


@pytest.mark.parametrize(
    ("values", "integer_as_ac", "kind"),
    [
        ([0.0, 1.0], False, "ac"),
        ([-1.0, 0.0, 1.0], False, "ac"),
        ([0.0, 1.0, 2.0], False, "mac"),
        ([0.0, 1.0, 2.0], True, "value"),
        ([0.0, 0.5, 1.0], True, "mac"),
    ],
)
def test_inputs_decide_between_accumulate_and_multiply(values: list[float], integer_as_ac: bool, kind: str) -> None:
    x = torch.tensor(values).repeat(12)[:18].view(1, 1, 2, 3, 3)
    conv, plain = StepConv2d(2, 1, 3), nn.Conv2d(2, 1, 3, padding=1)
    synapses = Synapses(dense=False)
    synapses.see(conv, x, conv(x))
    count = products(plain, x[0])
    expected = {"ac": (0, count), "mac": (count, 0), "value": (0, products(plain, x[0], weigh=True))}[kind]
    assert synapses.operations(integer_as_ac) == expected


def network(**model: Any) -> SpikingResNet:
    choices = ModelChoices.model_validate({"depth": 1, "width": 2, "timesteps": 2, **model})
    return SpikingResNet(choices, in_channels=1, classes=3).eval()


def costs(net: SpikingResNet, x: Tensor, **options: Any) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    with torch.no_grad(), counted(net) as counts:
        net(x)
    measured = cost(counts, len(x), **options)
    return {row["layer"]: row for row in measured.layers}, measured.totals


def test_a_silent_network_costs_what_is_counted_by_hand() -> None:
    """Two samples of zeros, 4 x 4, width 2, T = 2, no normalisation: only dense and per-neuron work is left."""
    rows, totals = costs(network(normalization="none"), torch.zeros(2, 1, 4, 4))
    # 3 x 3 on 4 x 4 with a border: (4 + 4 + 2) ^ 2 = 100 products a map, 2 maps, once a sample whatever T
    assert rows["stem.conv"] == {"layer": "stem.conv", "firing_rate": None, "synops": 200, "macs": 200, "acs": 0}
    # neurons: stem and 2 of stage one 2 x 16 each, 2 of stage two 4 x 4 each, 2 of stage three 8 x 1 each, 2 steps
    updates = 2 * (3 * 32 + 2 * 16 + 2 * 8)
    # sums: one block each of 32, 16 and 8 values, 2 steps
    additions = 2 * (32 + 16 + 8)
    assert (totals["synops"], totals["macs"], totals["acs"]) == (200, 200 + updates, additions)
    assert totals["energy_nj"] == pytest.approx(((200 + updates) * 4.6 + additions * 0.9) / 1000)
    assert totals["firing_rate"] == 0


def test_spikes_are_counted_at_the_layers_they_reach() -> None:
    """The stem fires everywhere: 32 spikes a step enter the first block's convolution and its sum."""
    net = network(normalization="none", residual="plain", threshold=0.5)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            parameter.fill_(1.0 if name == "stem.conv.weight" else 0.0)
    rows, totals = costs(net, torch.ones(1, 1, 4, 4))
    assert rows["stem.fire"]["firing_rate"] == 1
    # each of 2 maps is read by 100 products, for 2 output maps, at 2 steps
    assert (rows["stages.0.0.conv1"]["acs"], rows["stages.0.0.conv1"]["macs"]) == (2 * 100 * 2 * 2, 0)
    assert rows["stages.0.0.conv2"]["synops"] == 0
    assert totals["residual_additions"] == 0


def test_synaptic_only_leaves_out_neurons_sums_and_normalisation() -> None:
    net, x = network(), torch.rand(2, 1, 4, 4)
    rows, totals = costs(net, x, synaptic_only=True)
    assert totals["macs"] + totals["acs"] == totals["synops"]
    _, everything = costs(net, x)
    assert everything["macs"] > totals["macs"]
    assert sum(row["macs"] for row in rows.values()) == totals["macs"]


@pytest.mark.parametrize(("level", "counts"), [("bn", False), ("tdbn", False), ("bntt", True), ("tebn", True)])
def test_only_normalisation_that_cannot_be_folded_costs(level: str, counts: bool) -> None:
    _, totals = costs(network(normalization=level), torch.zeros(1, 1, 4, 4))
    assert (totals["normalized_values"] > 0) == counts


def test_binary_encodings_accumulate_at_every_step_and_direct_multiplies_once() -> None:
    x = torch.ones(1, 1, 4, 4)
    rows, _ = costs(network(encoding="poisson", timesteps=3), x)
    assert (rows["stem.conv"]["macs"], rows["stem.conv"]["acs"]) == (0, 3 * 200)
    rows, _ = costs(network(timesteps=3), x)
    assert (rows["stem.conv"]["macs"], rows["stem.conv"]["acs"]) == (200, 0)


@pytest.mark.parametrize(
    ("neuron", "options", "expected"),
    [
        ("lif", {"leak": 0.9}, (1, 0)),
        ("lif", {"leak": 1.0}, (0, 1)),
        ("if", {}, (0, 1)),
        ("psn", {"timesteps": 4}, (4, 0)),
        ("masked_psn", {"timesteps": 4}, (2.5, 0)),
        ("relu", {}, (0, 0)),
    ],
)
def test_a_neuron_costs_what_its_update_computes(neuron: str, options: dict[str, Any], expected: Any) -> None:
    assert update_cost(create("neuron", neuron, **options)) == expected


@pytest.mark.parametrize(("preset", "mac", "ac"), [("fp32", 4.6, 0.9), ("fp16", 1.5, 0.4), ("int8", 0.23, 0.03)])
def test_presets_are_those_of_the_source(preset: Any, mac: float, ac: float) -> None:
    _, totals = costs(network(), torch.rand(1, 1, 4, 4), preset=preset)
    assert totals["energy_nj"] == pytest.approx((totals["macs"] * mac + totals["acs"] * ac) / 1000)


def test_measuring_takes_the_whole_validation_part_and_leaves_the_classifier_alone() -> None:
    choices = ModelChoices.model_validate({"depth": 1, "width": 2, "timesteps": 2})
    model = SpikingClassifier(choices, TrainingChoices(), in_channels=1, classes=10)
    module = data.open(DataChoices(name="digits"), encoder=create("encoding", "direct", timesteps=1), seed=0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    measured = measure(model, module)
    stem = next(row for row in measured.layers if row["layer"] == "stem.conv")
    assert stem["synops"] == 22 * 22 * 2
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
