from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lightning_modules import catalogue
from lightning_modules.choices import ModelChoices
from lightning_modules.kernels import compiler
from lightning_modules.layers import NormFire
from lightning_modules.level import Level
from lightning_modules.network import SpikingResNet
from lightning_modules.normalization import BatchNormThroughTime, Normalization
from lightning_modules.surrogate import Sigmoid


def _network(in_channels: int = 2, classes: int = 3, events: bool = False, **choices: Any) -> SpikingResNet:
    torch.manual_seed(0)
    encoding = "event_count" if events else "direct"
    small = {"depth": 1, "width": 4, "timesteps": 3, "normalization": "bn", "encoding": encoding}
    settings = ModelChoices.model_validate({**small, **choices})
    return SpikingResNet(settings, in_channels=in_channels, classes=classes, events=events)


def _images(size: int = 8, batch: int = 4) -> Tensor:
    return torch.rand(batch, 2, size, size, generator=torch.Generator().manual_seed(1))


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("in_channels", "classes", "events", "readout", "parameters"),
    [
        (3, 10, False, "mean_membrane", 2_242_656),
        (3, 100, False, "mean_membrane", 2_254_176),
        (3, 10, False, "boosting", 2_254_176),
        (2, 10, True, "mean_membrane", 2_242_368),
    ],
)
def test_sresnet38_has_the_published_number_of_parameters(
    in_channels: int, classes: int, events: bool, readout: str, parameters: int
) -> None:
    sizes = {"depth": 6, "width": 32, "normalization": "none", "readout": readout}
    assert _count(_network(in_channels, classes, events, **sizes)) == parameters


def test_bntt_with_all_biases_adds_its_parameters_at_every_step() -> None:
    sizes = {"depth": 6, "width": 32, "timesteps": 50}
    bntt = _network(normalization={"name": "bntt", "bias": True}, **sizes)
    assert _count(bntt) - _count(_network(normalization="none", **sizes)) == 291_200


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_depth_n_has_6n_plus_2_layers(depth: int) -> None:
    network = _network(depth=depth, residual="plain")
    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert len(layers) == 6 * depth + 2


@pytest.mark.parametrize(
    ("residual", "normalization"), product(catalogue.levels("residual"), catalogue.levels("normalization"))
)
def test_every_residual_runs_and_learns_with_every_normalisation(residual: str, normalization: str) -> None:
    network = _network(residual=residual, normalization=normalization).double()
    outputs = network.outputs(_images())
    assert outputs.shape == (3, 4, 3) and outputs.dtype == torch.float64
    outputs.square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is None or gradient.isfinite().all() for gradient in gradients)
    assert network.head.linear.weight.grad is not None


@pytest.mark.parametrize("encoding", list(catalogue.levels("encoding")))
@pytest.mark.parametrize("readout", list(catalogue.levels("readout")))
def test_every_encoding_is_read_by_every_readout(encoding: str, readout: str) -> None:
    events = catalogue.fact("encoding", Level(encoding), "input") == "events"
    x = _images()[:, None].repeat(1, 3, 1, 1, 1) if events else _images()
    assert _network(events=events, encoding=encoding, readout=readout)(x).shape == (4, 3)


@pytest.mark.parametrize(("encoding", "events"), [("direct", True), ("event_count", False)])
def test_an_encoding_of_the_other_kind_of_data_is_refused(encoding: str, events: bool) -> None:
    with pytest.raises(ValueError, match=f"encoding: {encoding} is not for {'events' if events else 'images'}"):
        _network(events=events, encoding=encoding)


def test_frames_of_one_row_keep_their_size() -> None:
    """The channels of a cochlea lie in a row: resizing them to a square would invent rows."""
    network = _network(in_channels=1, events=True, frame_size=16)
    frames = torch.rand(4, 3, 1, 1, 40)
    assert torch.equal(network.encoder(frames), frames.transpose(0, 1))
    assert network(frames).shape == (4, 3)


@pytest.mark.parametrize("size", [1, 5, 8, 28])
def test_images_of_any_size_fit(size: int) -> None:
    assert _network()(_images(size)).shape == (4, 3)


@pytest.mark.parametrize(("residual", "normalization"), [("sresnet", "bntt"), ("vanilla", "tdbn"), ("ms", "tebn")])
def test_computing_the_first_convolution_once_changes_nothing(residual: str, normalization: str) -> None:
    network = _network(residual=residual, normalization=normalization).double()
    once = network.outputs(_images())
    network.encoder.static = False
    torch.testing.assert_close(network.outputs(_images()), once, rtol=1e-12, atol=1e-12)


def test_direct_encoding_convolves_an_image_once() -> None:
    network = _network()
    seen: list[int] = []
    network.stem.conv.register_forward_hook(lambda _, __, output: seen.append(len(output)))
    network(_images())
    assert seen == [1]


@pytest.mark.parametrize("neuron", [name for name in catalogue.levels("neuron") if name != "relu"])
def test_no_state_survives_a_forward_pass(neuron: str) -> None:
    network = _network(neuron=neuron).eval()
    first = network.outputs(_images())
    network.outputs(1 - _images())
    assert torch.equal(network.outputs(_images()), first)


@pytest.mark.parametrize(("residual", "normalization"), [("sresnet", "bntt"), ("or", "mpbn"), ("ms", "layer")])
def test_permuting_samples_permutes_outputs(residual: str, normalization: str) -> None:
    network = _network(residual=residual, normalization=normalization).double().eval()
    order = torch.tensor([2, 0, 3, 1])
    images = _images()
    torch.testing.assert_close(network(images[order]), network(images)[order])


def test_a_network_is_the_mean_of_its_outputs_over_time() -> None:
    network = _network().eval()
    torch.testing.assert_close(network(_images()), network.outputs(_images()).mean(0))


def test_given_noise_decides_the_outputs_of_a_stochastic_encoder() -> None:
    network = _network(encoding="poisson").eval()
    noise = torch.rand(3, 4, 2, 8, 8)
    assert network.encoder.stochastic
    assert torch.equal(network.outputs(_images(), noise), network.outputs(_images(), noise))
    assert not torch.equal(network.stem.conv(network.encoder(_images())), network.stem.conv(network.encoder(_images())))


def test_a_seed_makes_a_network() -> None:
    assert all(torch.equal(a, b) for a, b in zip(_network().parameters(), _network().parameters(), strict=True))


@pytest.mark.parametrize("residual", list(catalogue.levels("residual")))
@pytest.mark.parametrize("readout", ["mean_membrane", "spike_count"])
def test_spiking_layers_are_all_neurons_and_give_binary_spikes(residual: str, readout: str) -> None:
    network = _network(residual=residual, readout=readout)
    outputs: dict[str, Tensor] = {}
    for name, layer in network.spiking_layers():
        layer.register_forward_hook(lambda _, __, spikes, name=name: outputs.__setitem__(name, spikes))
    network(_images())
    shortcuts = 2 if residual in ("sew_add", "sew_and", "sew_iand", "or") else 0
    assert len(outputs) == 7 + shortcuts + (readout == "spike_count")
    assert all(
        spikes.shape[:2] == (3, 4) and spikes.unique().tolist() in ([0], [1], [0, 1]) for spikes in outputs.values()
    )


def test_the_residual_level_decides_whether_stem_and_head_fire() -> None:
    names = {level: {name for name, _ in _network(residual=level).spiking_layers()} for level in ("sresnet", "ms")}
    assert "stem.fire" in names["sresnet"] and "head.before" not in names["sresnet"]
    assert "stem.fire" not in names["ms"] and "head.before" in names["ms"]


@pytest.mark.parametrize("residual", list(catalogue.levels("residual")))
@pytest.mark.parametrize("shortcut", [None, "sn_conv_norm", "conv_norm_sn"])
def test_mpbn_normalises_the_membrane_of_every_hidden_neuron(residual: str, shortcut: str | None) -> None:
    if residual == "plain" or (residual in ("sew_and", "sew_iand", "or") and shortcut == "sn_conv_norm"):
        shortcut = None
    network = _network(residual=residual, shortcut=shortcut, normalization="mpbn", readout="spike_count")
    bare = [name for name, each in network.named_modules() if isinstance(each, NormFire) and not each.membrane_norm]
    assert bare == ["head.after"]


def test_main_only_leaves_the_bias_out_on_shortcuts_alone() -> None:
    main_only = {"name": "bntt", "bias": "main_only"}
    for residual in ("sresnet", "sew_add"):
        network = _network(residual=residual, normalization=main_only)
        norms = {name: each for name, each in network.named_modules() if isinstance(each, BatchNormThroughTime)}
        assert len(norms) == 9
        assert all((norm.bias is None) == ("shortcut" in name) for name, norm in norms.items())


def test_ms_keeps_its_own_membrane_and_takes_the_models_on_demand() -> None:
    def thresholds(residual: Any) -> set[float]:
        return {layer.dynamics.threshold for _, layer in _network(residual=residual, threshold=1.5).spiking_layers()}

    assert thresholds("ms") == {0.5} and thresholds({"name": "ms", "membrane": "model"}) == {1.5}


def test_frames_are_transposed_and_resized_at_the_door() -> None:
    network = _network(events=True, frame_size=16)
    frames = torch.randint(0, 5, (4, 3, 2, 20, 30), dtype=torch.uint8)
    steps = network.encoder(frames.float())
    expected = nn.functional.interpolate(frames[1, 2:3].float(), (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(steps[2, 1], expected[0])
    assert network.stem.conv(steps).shape == (3, 4, 4, 8, 8)
    assert network(frames).shape == (4, 3)


@pytest.mark.parametrize(
    ("events", "shape"),
    [(False, (4, 3, 2, 8, 8)), (False, (4, 1, 8, 8)), (True, (4, 2, 8, 8)), (True, (4, 3, 1, 8, 8))],
)
def test_an_input_of_another_shape_is_refused_with_the_one_expected(events: bool, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"input: shape .* with C = 2"):
        _network(events=events)(torch.zeros(shape))


def test_timesteps_may_change_where_no_level_bakes_them_in() -> None:
    network = _network(encoding="latency").eval()
    network.set_timesteps(7)
    assert network.timesteps == 7 and network.outputs(_images()).shape == (7, 4, 3)
    assert _network(events=True, frame_size=8)(torch.zeros(4, 5, 2, 8, 8)).shape == (4, 3)


@pytest.mark.parametrize(
    ("choices", "named"),
    [
        ({"normalization": "bntt"}, "normalization bntt"),
        ({"normalization": "tebn"}, "normalization tebn"),
        ({"neuron": "psn"}, "neuron psn"),
    ],
)
def test_other_timesteps_are_refused_by_the_name_of_the_level_that_holds_them(
    choices: dict[str, str], named: str
) -> None:
    with pytest.raises(ValueError, match=f"timesteps: {named} has T = 3"):
        _network(**choices).set_timesteps(4)
    with pytest.raises(ValueError, match=f"timesteps: {named} has T = 3"):
        _network(events=True, **choices)(torch.zeros(4, 5, 2, 8, 8))


def test_the_readout_can_be_cut_at_any_step() -> None:
    network = _network(normalization="bntt").eval()
    outputs = network.outputs(_images())
    assert [network.readout(outputs[:t]).shape for t in (1, 2, 3)] == [(4, 3)] * 3


def test_the_control_without_spikes_is_an_ordinary_network() -> None:
    network = _network(neuron="relu", timesteps=1)
    assert network.outputs(_images()).shape == (1, 4, 3)


@pytest.mark.parametrize("residual", list(catalogue.levels("residual")))
@pytest.mark.parametrize("normalization", ["bntt", "tebn", "psp", "mpbn"])
def test_gradients_are_those_of_finite_differences_of_the_smoothed_network(
    residual: str, normalization: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With smooth spikes in place of steps (float64, 1e-6 relative) nothing between input and logits is cut off."""
    monkeypatch.setattr(Sigmoid, "spike", lambda self, u, fire: self.smooth(u))
    network = _network(
        residual={"name": "ms", "membrane": "model"} if residual == "ms" else residual,
        normalization=normalization,
        neuron="alif",
        surrogate="sigmoid",
        detach_reset=False,
        zero_init_residual=False,
    ).double()
    parameters = list(network.parameters())
    steps = [1e-6 * torch.randn_like(parameter) for parameter in parameters]

    def loss(sign: int) -> Tensor:
        with torch.no_grad():
            for parameter, step in zip(parameters, steps, strict=True):
                parameter.add_(sign * step)
        return network(_images()).square().sum()

    gradients = torch.autograd.grad(loss(0), parameters)
    expected = sum((gradient * step).sum() for gradient, step in zip(gradients, steps, strict=True))
    change = (loss(1) - loss(-2)) / 2
    torch.testing.assert_close(change, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.skipif(compiler.unavailable() is not None, reason="nothing can be compiled here")
def test_a_network_that_was_told_nothing_compiles_large_layers_in_training_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every layer here counts as large."""
    monkeypatch.setattr(compiler, "WORTH_A_LAYER", 0)
    network = _network(timesteps=2, normalization="bn")
    with torch.no_grad():
        assert network(_images()).grad_fn is None
    names, todo = set(), [network(_images()).grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in names:
            names.add(node)
            todo += [each for each, _ in node.next_functions]
    fused = [node for node in names if node.name() == "_NormaliseAndFireBackward"]
    assert len(fused) == sum(isinstance(each, Normalization) for each in network.modules())
