"""What a level brings along beside itself."""

from __future__ import annotations

from typing import Any

import pytest

from lightning_modules.choices import ModelChoices
from lightning_modules.company import brought_along


def choices(**changes: Any) -> ModelChoices:
    return ModelChoices.model_validate({"normalization": "bn", **changes})


@pytest.mark.parametrize(
    ("level", "reference", "said"),
    [
        ({"residual": "sew_add"}, {"residual": "sresnet"}, ("shortcut conv_norm_sn, not conv_norm",)),
        ({"residual": "or"}, {"residual": "sew_add"}, ()),
        ({"residual": "plain"}, {"residual": "sresnet"}, ("no shortcut, fewer parameters",)),
        ({"residual": "sew_add"}, {"residual": "plain"}, ("a shortcut, more parameters",)),
        ({"residual": "vanilla"}, {"residual": "sresnet"}, ("branches start at zero",)),
        ({"residual": "ms"}, {"residual": "vanilla"}, ("a membrane of its own",)),
        ({"residual": {"name": "ms", "membrane": "model"}}, {"residual": "vanilla"}, ()),
        ({"normalization": "bntt"}, {}, ("weights for every step (it knows the step), more parameters",)),
        ({}, {"normalization": "tebn"}, ("no weights for every step (it knows no step), fewer parameters",)),
        ({"neuron": "psn"}, {}, ("weights for every step (it knows the step), more parameters",)),
        ({"normalization": "tebn"}, {"normalization": "bntt"}, ()),
        ({"encoding": "poisson"}, {}, ()),
    ],
)
def test_the_sources_own_parts_are_named(level: Any, reference: Any, said: tuple[str, ...]) -> None:
    assert brought_along(choices(**level), choices(**reference), ()) == said


def test_what_is_set_for_both_or_meant_to_differ_is_not_brought_along() -> None:
    held = {"shortcut": "conv_norm", "zero_init_residual": False}
    assert brought_along(choices(residual="vanilla", **held), choices(residual="sew_add", **held), ()) == ()
    assert brought_along(choices(shortcut="conv_norm_sn"), choices(), ("shortcut",)) == ()


def test_matched_parameters_are_not_said_to_differ() -> None:
    plain, sresnet = (choices(residual=each, match_parameters=9000) for each in ("plain", "sresnet"))
    assert brought_along(plain, sresnet, ()) == ("no shortcut",)
