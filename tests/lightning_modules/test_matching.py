"""Widths that bring levels to equal parameter counts."""

from __future__ import annotations

import pytest

from lightning_modules.choices import ModelChoices
from lightning_modules.matching import match_parameters, parameter_count

SIZES = {"in_channels": 3, "classes": 10}


def choices(**model: object) -> ModelChoices:
    return ModelChoices.model_validate({"depth": 1, "width": 8, "timesteps": 4, **model})


def test_the_published_network_has_the_published_count() -> None:
    assert parameter_count(ModelChoices.model_validate({"normalization": "none"}), **SIZES) == 2_242_656


def test_a_network_matches_its_own_count_with_its_own_width() -> None:
    for width in (1, 2, 7, 8, 33):
        wanted = choices(width=width)
        assert match_parameters(choices(), parameter_count(wanted, **SIZES), **SIZES) == wanted


@pytest.mark.parametrize("level", [{"residual": "plain"}, {"normalization": "bn"}, {"timesteps": 16}])
def test_no_neighbouring_width_is_nearer(level: dict[str, object]) -> None:
    target = parameter_count(choices(), **SIZES)
    matched = match_parameters(choices(**level), target, **SIZES)

    def off(width: int) -> int:
        return abs(parameter_count(matched.model_copy(update={"width": width}), **SIZES) - target)

    assert off(matched.width) <= min(off(matched.width - 1), off(matched.width + 1))


def test_nothing_cannot_be_matched() -> None:
    with pytest.raises(ValueError, match="target: 0 parameters"):
        match_parameters(choices(), 0, **SIZES)
