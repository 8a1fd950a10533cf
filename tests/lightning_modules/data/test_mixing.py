"""Mixing of batches: the published definitions sample by sample, drawn per (seed, epoch, batch) alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lightning_modules import catalogue, constraints, data, streams
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.data.mixing import CutMix, MixUp, mixed_labels
from lightning_modules.level import LevelEntry

CLASSES, COUNT, HEIGHT, WIDTH = 4, 6, 10, 12


def batch(*steps: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(COUNT, *steps, 3, HEIGHT, WIDTH, generator=generator)
    return x, torch.randint(CLASSES, (COUNT,), generator=generator)


def drawn(epoch: int, number: int) -> tuple[float, np.ndarray, np.random.Generator]:
    draws = np.random.Generator(np.random.Philox(streams.stream_seed(5, "mix", epoch, number)))
    return draws.beta(1.0, 1.0), draws.permutation(COUNT), draws


@pytest.mark.parametrize("number", range(3))
def test_mixup_is_the_weighted_mean_of_two_samples_and_of_their_labels(number: int) -> None:
    x, labels = batch()
    mixed, shares = MixUp()(x, labels, classes=CLASSES, seed=5, epoch=2, batch=number)
    share, partners, _ = drawn(2, number)
    for sample, partner in enumerate(partners):
        torch.testing.assert_close(mixed[sample], share * x[sample] + (1 - share) * x[partner])
        expected = torch.zeros(CLASSES)
        expected[labels[sample]] += share
        expected[labels[partner]] += 1 - share
        torch.testing.assert_close(shares[sample], expected)


@pytest.mark.parametrize("steps", [(), (3,)])
@pytest.mark.parametrize("number", range(4))
def test_cutmix_pastes_one_clipped_box_and_shares_labels_by_its_pixels(number: int, steps: tuple[int, ...]) -> None:
    x, labels = batch(*steps)
    mixed, shares = CutMix()(x, labels, classes=CLASSES, seed=5, epoch=0, batch=number)
    share, partners, draws = drawn(0, number)
    sides = [int(side * (1 - share) ** 0.5) for side in (HEIGHT, WIDTH)]
    centres = [int(draws.random() * side) for side in (HEIGHT, WIDTH)]
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            offsets = (row - centres[0] + sides[0] // 2, column - centres[1] + sides[1] // 2)
            inside[row, column] = all(0 <= at < side for at, side in zip(offsets, sides, strict=True))
    box = torch.from_numpy(inside)
    for sample, partner in enumerate(partners):
        assert torch.equal(mixed[sample], torch.where(box, x[partner], x[sample]))
        expected = torch.zeros(CLASSES)
        expected[labels[sample]] += 1 - inside.mean()
        expected[labels[partner]] += inside.mean()
        torch.testing.assert_close(shares[sample], expected)


def test_stored_samples_are_left_as_they_were() -> None:
    x, labels = batch()
    for mix in (MixUp(), CutMix()):
        mix(x, labels, classes=CLASSES, seed=0, epoch=0, batch=0)
    assert torch.equal(x, batch()[0])


def test_cutmix_leaves_the_share_of_batches_alone_that_its_probability_says() -> None:
    x, labels = batch()
    mix = CutMix(probability=0.25)
    unmixed = [torch.equal(mix(x, labels, classes=CLASSES, seed=0, epoch=0, batch=n)[0], x) for n in range(400)]
    # Of the mixed ones a few have a box without a pixel, or all partners in place.
    assert 0.7 < sum(unmixed) / 400 < 0.85


@pytest.mark.parametrize("level", ["cross_entropy", "mse_rate", "tet"])
def test_a_loss_on_shares_has_the_gradient_of_the_mean_of_both_losses(level: str) -> None:
    """For the squared error up to what depends on no output."""
    outputs = torch.randn(3, COUNT, CLASSES, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    first, second = batch()[1], batch()[1].roll(1)
    loss = create("loss", level, label_smoothing=0.1)

    def gradient(*terms: tuple[float, Tensor]) -> Tensor:
        leaf = outputs.clone().requires_grad_()
        sum(weight * loss(leaf, target, lambda each: each.mean(0)) for weight, target in terms).backward()
        assert leaf.grad is not None
        return leaf.grad

    shares = mixed_labels(first, second, 0.3, CLASSES).double()
    # The shares are float32, as a batch's are.
    torch.testing.assert_close(gradient((1, shares)), gradient((0.3, first), (0.7, second)), rtol=1e-6, atol=1e-8)


def loaded(mix: object, **others: object) -> list[tuple[Tensor, Tensor, Tensor]]:
    choices = DataChoices(name="digits", batch_size=64, mix=mix, **others)  # type: ignore[arg-type]
    loader = data.open(choices, encoder=create("encoding", "poisson", timesteps=1), seed=3).train_dataloader()
    loader.sampler.set_epoch(2)
    return list(loader)


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_a_training_batch_is_the_plain_one_mixed_and_comes_back(mix: str) -> None:
    """Order and augmentation are those without mixing; torch's global generator is neither read nor changed."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    once = loaded(mix, augment="standard")
    torch.manual_seed(1)
    again = loaded(mix, augment="standard")
    torch.manual_seed(0)
    for number, (mixed, plain, second) in enumerate(zip(once, loaded("none", augment="standard"), again, strict=True)):
        expected = create("mix", mix)(*plain[:2], classes=10, seed=3, epoch=2, batch=number)
        assert torch.equal(mixed[0], expected[0])
        assert torch.equal(mixed[1], expected[1])
        assert torch.equal(mixed[2], plain[2])
        assert torch.equal(mixed[0], second[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_batches_and_epochs_are_mixed_differently() -> None:
    x, labels = batch()
    made = [MixUp()(x, labels, classes=CLASSES, seed=0, epoch=e, batch=b)[0] for e, b in ((0, 0), (0, 1), (1, 0))]
    assert not torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


def test_validation_and_test_are_never_mixed() -> None:
    choices = DataChoices(name="digits", mix="mixup")  # type: ignore[arg-type]
    module = data.open(choices, encoder=create("encoding", "poisson", timesteps=1), seed=0)
    for loader in (module.val_dataloader(), module.test_dataloader()):
        assert all(not y.is_floating_point() for _, y, _ in loader)


def test_a_loss_that_takes_one_class_a_sample_is_refused_when_planning(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = LevelEntry("loss", "hinge", "max(0, 1 - o)", "a test", "lightning_modules.loss:CrossEntropy")
    monkeypatch.setitem(catalogue._ENTRIES["loss"], "hinge", entry)
    training, choices = TrainingChoices(loss="hinge"), DataChoices(name="digits", mix="cutmix")  # type: ignore[arg-type]
    reason = constraints.check(ModelChoices(), training, choices)
    assert reason == "cutmix mixes labels, and loss hinge takes one class a sample; cross_entropy, mse_rate or tet fits"
    assert constraints.check(ModelChoices(), TrainingChoices(), choices) is None


def test_an_average_of_event_counts_is_refused_and_a_pasted_box_is_not() -> None:
    events = next((name for name, each in data.DATASETS.items() if each.kind == "events"), None)
    if events is None:
        pytest.skip("no event data set is registered")
    refused = constraints.mixing_suits_data(DataChoices(name=events, mix="mixup"))  # type: ignore[arg-type]
    assert refused is not None
    assert "counts it would turn into fractions" in refused
    assert constraints.mixing_suits_data(DataChoices(name=events, mix="cutmix")) is None  # type: ignore[arg-type]
