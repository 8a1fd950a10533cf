"""Optimisers take a step as their equation says; schedules are what the paper's training was."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lightning_modules import catalogue
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.constraints import check

LEVELS = list(catalogue.levels("schedule"))


def test_steps_drop_at_the_epochs_of_the_published_training() -> None:
    factor = create("schedule", "steps", epochs=70)
    drops = [epoch for epoch in range(1, 70) if factor(epoch) < factor(epoch - 1)]
    assert drops == [50, 57, 64]
    assert factor(69) == pytest.approx(1e-3)


@pytest.mark.parametrize("epochs", [1, 2, 8, 15, 33, 100])
def test_steps_drop_at_the_first_epoch_that_begins_after_its_share(epochs: int) -> None:
    factor = create("schedule", "steps", epochs=epochs)
    for epoch in range(epochs):
        passed = sum(10 * epoch > tenths * epochs for tenths in (7, 8, 9))
        assert factor(epoch) == pytest.approx(0.1**passed)


def test_cosine_begins_full_and_nears_its_minimum() -> None:
    factor = create("schedule", "cosine", epochs=100, minimum=0.1)
    values = [factor(epoch) for epoch in range(100)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert values[50] == pytest.approx(0.55)
    assert values[-1] == pytest.approx(0.1 + 0.9 * 0.5 * (1 - math.cos(math.pi / 100)))


@pytest.mark.parametrize("level", LEVELS)
def test_the_warm_up_grows_linearly_to_the_full_rate(level: str) -> None:
    factor = create("schedule", level, epochs=20, warmup=3)
    assert [factor(epoch) for epoch in range(4)] == pytest.approx([0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("level", LEVELS)
def test_a_warm_up_that_leaves_no_epoch_is_refused(level: str) -> None:
    with pytest.raises(ValueError, match="warmup 3 leaves none of 3 epochs"):
        create("schedule", level, epochs=3, warmup=3)


def step(level: str, **options: float) -> tuple[float, float]:
    """The weight 2 after each of two steps on the gradient 0.5, rate 0.1, weight decay 0.01."""
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = create("optimizer", level, parameters=[weight], lr=0.1, weight_decay=0.01, **options)
    values = []
    for _ in range(2):
        weight.grad = torch.tensor([0.5])
        optimizer.step()
        values.append(weight.item())
    return values[0], values[1]


def test_sgd_has_the_momentum_of_the_paper() -> None:
    first = 2 - 0.1 * 0.52
    assert step("sgd") == pytest.approx((first, first - 0.1 * (0.9 * 0.52 + 0.5 + 0.01 * first)))


def test_adam_moves_by_the_rate_and_adamw_decays_the_weight_apart() -> None:
    assert step("adam")[0] == pytest.approx(1.9)
    assert step("adamw")[0] == pytest.approx(2 * (1 - 0.001) - 0.1)


@pytest.mark.parametrize(
    ("model", "training", "reason"),
    [
        ({}, {"epochs": 3, "schedule": {"name": "cosine", "warmup": 3}}, "a warm-up of 3 epochs leaves none of 3"),
        ({"normalization": "layer"}, {"recalibrate": True}, "normalization layer keeps no statistics"),
        ({}, {"recalibrate": True}, None),
    ],
)
def test_training_choices_that_make_no_sense_are_refused_at_plan_time(
    model: dict[str, object], training: dict[str, object], reason: str | None
) -> None:
    found = check(
        ModelChoices.model_validate(model), TrainingChoices.model_validate(training), DataChoices(name="digits")
    )
    assert (found is None) if reason is None else (found is not None and reason in found)
