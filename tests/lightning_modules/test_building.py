"""A level is built from its name, options and structural arguments; anything else is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from lightning_modules import catalogue, create
from lightning_modules.catalogue import CatalogueError
from lightning_modules.choices import ModelChoices
from lightning_modules.level import Level
from lightning_modules.neuron import Neuron

STRUCTURE: dict[str, dict[str, Any]] = {
    "encoding": {"timesteps": 1},
    "normalization": {"channels": 8, "timesteps": 1, "threshold": 0.5, "branch": "added", "main": False},
    "neuron": {
        "leak": 0.5,
        "threshold": 0.5,
        "reset": "zero",
        "detach_reset": False,
        "fire": "ge",
        "scale": "none",
        "surrogate": "atan",
        "timesteps": 1,
        "channels": 8,
    },
    "surrogate": {},
}


@pytest.mark.parametrize(("axis", "name"), [(axis, name) for axis in STRUCTURE for name in catalogue.levels(axis)])
def test_every_level_of_an_axis_takes_the_same_structural_arguments(axis: str, name: str) -> None:
    # Frames are resized to the network's input, of which images know nothing.
    frames = {"size": 8} if catalogue.entry(axis, name).facts.get("input") == "events" else {}
    assert isinstance(create(axis, name, **STRUCTURE[axis], **frames), nn.Module)


def test_options_come_by_keyword_or_in_the_level() -> None:
    by_keyword = create("surrogate", "atan", alpha=3.0)
    in_level = create("surrogate", Level("atan", (("alpha", 3.0),)))
    in_mapping = create("surrogate", {"name": "atan", "alpha": 3})
    assert by_keyword.alpha == in_level.alpha == in_mapping.alpha == 3.0


def test_options_not_given_have_the_defaults_of_the_catalogue() -> None:
    assert create("encoding", "latency", timesteps=8).form == "linear"
    assert create("normalization", "bntt", channels=2, timesteps=2).eps == 1e-4


def test_a_neuron_takes_its_surrogate_by_name_as_level_or_as_module() -> None:
    module = create("surrogate", "sigmoid")
    assert create("neuron", "lif", surrogate=module).surrogate is module
    assert create("neuron", "lif", surrogate={"name": "sigmoid", "alpha": 1.0}).surrogate.alpha == 1.0
    assert type(create("neuron", "lif", surrogate="sigmoid").surrogate) is type(module)


def test_a_neuron_defaults_to_the_published_settings() -> None:
    choices = ModelChoices()
    dynamics = create("neuron", "lif").dynamics
    for setting in ("leak", "threshold", "reset", "detach_reset", "fire", "scale"):
        assert getattr(dynamics, setting) == getattr(choices, setting)
    assert Neuron().surrogate.gamma == create("surrogate", choices.surrogate).gamma


@pytest.mark.parametrize(
    ("axis", "level", "arguments", "message"),
    [
        ("neuron", "lif", {"tua": 2.0}, "did you mean 'tau'"),
        ("neuron", "lif", {"tau": 0.5}, "a number of at least 1"),
        ("neuron", "lff", {}, "did you mean 'lif'"),
        ("neuron", "if", {"tau": 2.0}, "'tau' is not an argument of neuron if"),
        ("normalization", "bn", {"channels": 2}, "normalization bn cannot be built without timesteps"),
        ("normalization", "layer", {"channels": 2, "timesteps": 2, "groups": 2}, "'groups' is not an argument"),
        ("encoding", "direct", {"timesteps": 2, "form": "log"}, "it takes: timesteps"),
    ],
)
def test_unknown_and_missing_arguments_are_refused(
    axis: str, level: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(CatalogueError) as refused:
        create(axis, level, **arguments)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("setting", [{"reset": "hard"}, {"fire": "le"}, {"scale": "log"}, {"threshold": 0.0}])
def test_settings_of_a_neuron_out_of_range_are_named(setting: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(setting))):
        create("neuron", "lif", **setting)


def test_what_is_built_depends_on_no_random_state_but_torch_s() -> None:
    torch.manual_seed(3)
    first = create("neuron", "psn", timesteps=4).weight
    torch.manual_seed(3)
    assert torch.equal(first, create("neuron", "psn", timesteps=4).weight)
