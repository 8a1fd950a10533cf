"""Every seed of a stack is trained as it is by itself: float64, over all levels, several steps of the optimiser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from levels_in_models import AXES, model_with
from torch import Tensor, nn

from lightning_modules import catalogue
from lightning_modules.choices import ModelChoices, TrainingChoices
from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.batches import Batch
from lightning_modules.kernels import compiler
from lightning_modules.level import LevelEntry
from lightning_modules.measurements import FiringRates
from lightning_modules.normalization import BatchNorm, Normalization
from lightning_modules.precision import cuda_arithmetic
from lightning_modules.residual import SResNet
from lightning_modules.scores import Scores
from lightning_modules.stacking import StackedClassifier, Unstackable

SAMPLES = 4
CLOSE = 1e-11


def member(seed: int, training: dict[str, Any], model: dict[str, Any], shape: Sequence[int]) -> SpikingClassifier:
    sizes = {"depth": 1, "width": 2, "timesteps": 3, "frame_size": 8}
    return SpikingClassifier(
        ModelChoices.model_validate(sizes | model),
        TrainingChoices.model_validate({"epochs": 3, "lr": 0.05, **training}),
        in_channels=shape[-3],
        classes=4,
        events=len(shape) == 4,
        seed=seed,
    ).double()


def batches(members: Sequence[SpikingClassifier], step: int, shape: Sequence[int]) -> list[Batch]:
    draws, device = torch.Generator().manual_seed(step), members[0].device
    index = torch.arange(SAMPLES) + SAMPLES * step
    return [
        (
            torch.rand(SAMPLES, *shape, dtype=torch.float64, generator=draws).to(device),
            torch.randint(0, 4, (SAMPLES,), generator=draws).to(device),
            index.to(device),
        )
        for _ in members
    ]


def trained_beside_each_other(
    seeds: int = 2,
    training: dict[str, Any] | None = None,
    shape: Sequence[int] = (1, 8, 8),
    changed: Any = None,
    device: str = "cpu",
    **model: Any,
) -> StackedClassifier:
    """Three steps of a stack and of each member alone; weights, statistics, optimisers and scores are compared."""
    alone = [member(seed, training or {}, model, shape).to(device) for seed in range(seeds)]
    for each in alone if changed else ():
        changed(each)
    stack = StackedClassifier(alone).to(device)
    together = stack.configure_optimizers()["optimizer"]
    optimizers = [each.configure_optimizers()["optimizer"] for each in alone]
    for step in range(3):
        drawn = batches(alone, step, shape)
        _step(together, stack.training_step(drawn, step))
        for each, optimizer, batch in zip(alone, optimizers, drawn, strict=True):
            _step(optimizer, each.training_step(batch, step))
    for number, (each, optimizer) in enumerate(zip(alone, optimizers, strict=True)):
        _same(stack.folded.state_of(number), each.network.state_dict())
        own = stack.folded.optimizer_state_of(number, together.state_dict())
        assert own["param_groups"] == optimizer.state_dict()["param_groups"]
        assert own["state"].keys() == optimizer.state_dict()["state"].keys()
        for key, entry in optimizer.state_dict()["state"].items():
            _same(own["state"][key], entry)
        assert float(stack._scores[number].loss()) == pytest.approx(float(each._scores.loss()), abs=CLOSE)
        assert stack._scores[number].accuracy() == each._scores.accuracy()
    _validated_alike(stack, alone, batches(alone, 9, shape))
    return stack


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        one, other = (torch.as_tensor(each, dtype=torch.float64, device="cpu") for each in (found[name], value))
        torch.testing.assert_close(one, other, rtol=CLOSE, atol=CLOSE, msg=lambda text, name=name: f"{name}: {text}")


def _validated_alike(stack: StackedClassifier, alone: Sequence[SpikingClassifier], drawn: list[Batch]) -> None:
    stack._fresh()
    stack.eval()
    with torch.no_grad():
        stack.validation_step(drawn, 0)
    for number, (each, batch) in enumerate(zip(alone, drawn, strict=True)):
        each.eval()
        each._scores, each._rates = scores, rates = Scores(), FiringRates()
        with torch.no_grad():
            each.validation_step(batch, 0)
        assert float(stack._scores[number].loss()) == pytest.approx(float(scores.loss()), abs=CLOSE)
        assert stack._rates[number].by_layer() == rates.by_layer()
        assert stack._rates[number].overall() == rates.overall()


def levels(axis: str) -> list[LevelEntry]:
    return [entry for entry in catalogue.levels(axis).values() if "module" not in entry.facts]


def cases() -> Iterator[Any]:
    for entry in (entry for axis in AXES for entry in levels(axis)):
        shape = (3, 2, 6, 6) if entry.facts.get("input") == "events" else (1, 8, 8)
        yield pytest.param(model_with(entry), shape, id=f"{entry.axis}-{entry.name}")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize(("model", "shape"), cases())
def test_every_level_is_trained_in_a_stack_as_by_itself(
    model: dict[str, Any], shape: tuple[int, ...], device: str
) -> None:
    with cuda_arithmetic("32-true", torch.device(device)):
        trained_beside_each_other(shape=shape, device=device, **model)


@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("normalization", ["bntt", "tebn"])
def test_so_are_stacks_of_any_size(seeds: int, normalization: str) -> None:
    trained_beside_each_other(seeds, normalization=normalization)


@pytest.mark.parametrize(
    "training",
    [
        *({"loss": entry.name} for entry in levels("loss")),
        *({"optimizer": entry.name} for entry in levels("optimizer")),
        {"rate_weight": 0.5},
        {"label_smoothing": 0.1, "weight_decay": 0.01},
    ],
    ids=str,
)
def test_so_are_losses_optimisers_and_penalties(training: dict[str, Any]) -> None:
    trained_beside_each_other(training=training)


@pytest.mark.parametrize("model", [{"normalization": "mpbn", "neuron": "plif"}, {"neuron": "psn", "residual": "ms"}])
def test_so_are_levels_that_are_computed_apart_together(model: dict[str, Any]) -> None:
    trained_beside_each_other(**model)


@pytest.mark.skipif(compiler.unavailable() is not None, reason="no C++ compiler")
def test_so_is_a_stack_of_compiled_kernels() -> None:
    def compile_(classifier: SpikingClassifier) -> None:
        classifier.network.use_backend("compiled")

    trained_beside_each_other(changed=compile_)


class Whitened(Normalization):
    """Of a plug-in: it mixes the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(2, keepdim=True)


class Reversing(SResNet):
    """Of a plug-in: the shortcut's channels come in another order."""

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s.flip(2)


def test_a_layer_of_a_plug_in_may_mix_its_channels() -> None:
    def whiten(classifier: SpikingClassifier) -> None:
        classifier.network.stages[0][0].fire1.norm = Whitened(2, 3)

    trained_beside_each_other(changed=whiten)


def test_a_block_of_a_plug_in_is_refused_by_name() -> None:
    members = [member(seed, {}, {}, (1, 8, 8)) for seed in range(2)]
    for each in members:
        each.network.stages[1][0].__class__ = Reversing
    with pytest.raises(Unstackable, match=r"stages\.1\.0 is a Reversing, which may mix channels"):
        StackedClassifier(members)


def test_an_optimiser_of_a_plug_in_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    lamb = LevelEntry("optimizer", "lamb", "by the norm of a layer", "here", "lightning_modules.optimization:sgd")
    monkeypatch.setitem(catalogue._ENTRIES["optimizer"], "lamb", lamb)
    with pytest.raises(Unstackable, match="optimizer lamb may not treat every value by itself"):
        StackedClassifier([member(0, {"optimizer": "lamb"}, {}, (1, 8, 8))])


@pytest.mark.parametrize("normalization", ["bntt", "tebn"])
def test_a_member_without_numbers_disturbs_nobody(normalization: str) -> None:
    shape = (1, 8, 8)
    pair = [member(seed, {}, {"normalization": normalization}, shape) for seed in range(2)]
    with torch.no_grad():
        pair[1].network.head.linear.weight[0, 0] = float("nan")
    stack, alone = StackedClassifier(pair), member(0, {}, {"normalization": normalization}, shape)
    together, own = (each.configure_optimizers()["optimizer"] for each in (stack, alone))
    for step in range(3):
        drawn = batches(pair, step, shape)
        _step(together, stack.training_step(drawn, step))
        _step(own, alone.training_step(drawn[0], step))
    _same(stack.folded.state_of(0), alone.network.state_dict())
    assert stack.folded.broken() == [1]


def test_the_states_of_optimisers_are_joined_as_they_were_cut() -> None:
    stack = StackedClassifier([member(seed, {"optimizer": "adam"}, {"neuron": "plif"}, (1, 8, 8)) for seed in range(3)])
    optimizer = stack.configure_optimizers()["optimizer"]
    _step(optimizer, stack.training_step(batches(stack.members, 0, (1, 8, 8)), 0))
    whole = optimizer.state_dict()
    joined = stack.folded.joined_optimizer_state([stack.folded.optimizer_state_of(s, whole) for s in range(3)])
    assert joined["param_groups"] == whole["param_groups"]
    assert joined["state"].keys() == whole["state"].keys()
    for key, entry in whole["state"].items():
        _same(joined["state"][key], entry)


def test_bfloat16_differs_from_a_single_training_by_rounding_alone() -> None:
    members = [member(seed, {"precision": "bf16-mixed"}, {"neuron": "relu", "timesteps": 1}, (1, 8, 8)).float()
               for seed in range(2)]  # fmt: skip
    stack = StackedClassifier(members)
    xs = [torch.rand(SAMPLES, 1, 8, 8) for _ in members]
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for x, found, each in zip(xs, stack.folded.outputs(xs, [None, None]), members, strict=True):
            wanted = each.outputs(x)
            assert (found - wanted).abs().max() <= 0.02 * wanted.abs().max()


def test_the_members_keep_their_own_weights() -> None:
    members = [member(seed, {}, {}, (1, 8, 8)) for seed in range(2)]
    before = [{name: value.clone() for name, value in each.state_dict().items()} for each in members]
    stack = StackedClassifier(members)
    _step(stack.configure_optimizers()["optimizer"], stack.training_step(batches(members, 0, (1, 8, 8)), 0))
    for each, kept in zip(members, before, strict=True):
        assert all(torch.equal(value, kept[name]) for name, value in each.state_dict().items())


def test_a_batch_norm_of_a_stack_has_the_channels_of_all() -> None:
    stack = StackedClassifier([member(seed, {}, {"normalization": "bn"}, (1, 8, 8)) for seed in range(3)])
    norms = [each for each in stack.folded.network.modules() if isinstance(each, BatchNorm)]
    assert norms and all(len(each.running_mean) == each.channels and each.channels % 3 == 0 for each in norms)
    assert all(each.groups == 3 for each in stack.folded.network.modules() if isinstance(each, nn.Conv2d))
