"""The catalogue lists, resolves and refuses without loading torch."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from lightning_modules import catalogue
from lightning_modules.building import load
from lightning_modules.catalogue import CatalogueError
from lightning_modules.level import Level, LevelEntry

ENTRIES = [entry for axis in catalogue.axes() for entry in catalogue.levels(axis).values()]


def test_the_catalogue_does_not_load_torch() -> None:
    code = "import sys, lightning_modules.catalogue, lightning_modules.choices; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.axis}-{entry.name}")
def test_every_factory_can_be_imported(entry: LevelEntry) -> None:
    assert callable(load(entry.factory))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.axis}-{entry.name}")
def test_every_entry_says_what_it_is_and_accepts_its_own_defaults(entry: LevelEntry) -> None:
    assert entry.equation and entry.source
    defaults = {option.name: option.default for option in entry.options}
    assert catalogue.resolve(entry.axis, {"name": entry.name, **defaults}) == Level(entry.name)


@pytest.mark.parametrize(
    ("axis", "level", "stated"),
    [
        ("surrogate", "triangle", {"gamma": 0.3, "width": 1.0}),
        ("surrogate", "rectangle", {"a": 0.5}),
        ("surrogate", "atan", {"alpha": 2.0}),
        ("surrogate", "sigmoid", {"alpha": 4.0}),
        ("surrogate", "fast_sigmoid", {"k": 25.0}),
        ("normalization", "bntt", {"bias": False, "eps": 1e-4, "momentum": 0.1}),
        ("normalization", "tdbn", {"factor": "constant", "eps": 1e-5, "momentum": 0.1}),
        ("normalization", "mpbn", {"carry": False, "eps": 1e-5, "momentum": 0.1}),
        ("encoding", "latency", {"form": "linear", "drop_zero": False}),
        ("encoding", "phase", {"period": None, "weighted": False}),
        ("neuron", "lif", {"tau": None, "decay_input": False}),
        ("readout", "boosting", {"factor": 10, "spiking": False}),
        ("loss", "tet", {"weight": 1e-3, "aim": 1.0}),
        ("initialization", "xavier", {"gain": 2.0}),
        ("optimizer", "sgd", {"momentum": 0.9}),
    ],
)
def test_defaults_are_those_of_the_sources(axis: str, level: str, stated: dict[str, Any]) -> None:
    assert catalogue.options(axis, Level(level)) == stated


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.axis}-{entry.name}")
def test_facts_that_follow_an_option_name_an_existing_one(entry: LevelEntry) -> None:
    for fact in entry.facts:
        catalogue.fact(entry.axis, Level(entry.name), fact)


def test_all_named_axes_of_a_network_are_there() -> None:
    assert {"encoding", "normalization", "neuron", "surrogate"} <= set(catalogue.axes())


def test_defaults_are_left_out_and_options_sorted() -> None:
    level = catalogue.resolve("encoding", {"name": "latency", "drop_zero": True, "form": "linear"})
    assert level == Level("latency", (("drop_zero", True),))
    assert str(level) == "latency(drop_zero=true)"
    assert catalogue.options("encoding", level) == {"form": "linear", "drop_zero": True}


def test_an_integer_is_taken_for_a_number() -> None:
    assert catalogue.resolve("surrogate", {"name": "atan", "alpha": 3}) == Level("atan", (("alpha", 3.0),))
    assert catalogue.resolve("surrogate", {"name": "atan", "alpha": 2}) == Level("atan")


def test_a_fact_follows_the_option_it_names() -> None:
    wide = catalogue.resolve("surrogate", {"name": "rectangle", "a": 2})
    assert catalogue.fact("surrogate", wide, "support") == 2.0
    assert catalogue.fact("surrogate", Level("rectangle"), "support") == 0.5
    assert catalogue.fact("surrogate", Level("atan"), "support") is None
    assert catalogue.fact("surrogate", Level("atan"), "colour") is None


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        ("encoding", "latncy", "did you mean 'latency'"),
        ("encodng", "direct", "did you mean 'encoding'"),
        ("encoding", True, "true is a YAML boolean where a level of encoding belongs; quote the name"),
        ("encoding", 3, "write a name or"),
        ("encoding", {"form": "log"}, "write a name or"),
        ("encoding", {"name": "latency", "frm": "log"}, "did you mean 'form'"),
        ("encoding", {"name": "direct", "form": "log"}, "it has no options"),
        ("encoding", {"name": "latency", "form": "lg"}, "one of linear, log"),
        ("encoding", {"name": "latency", "drop_zero": 1}, "one of true, false"),
        ("encoding", {"name": "phase", "period": 0}, "an integer of at least 1"),
        ("encoding", {"name": "phase", "period": 1.5}, "not an integer"),
        ("encoding", {"name": "phase", "period": True}, "not an integer"),
        ("normalization", {"name": "bntt", "bias": 1}, "one of false, true, main_only"),
        ("normalization", {"name": "bn", "momentum": 1.5}, "a number of at most 1"),
        ("neuron", {"name": "plif", "tau0": 1}, "a number above 1"),
        ("neuron", {"name": "alif", "rho": 1.0}, "a number below 1"),
        ("surrogate", {"name": "atan", "alpha": float("nan")}, "not a number"),
        ("surrogate", {"name": "atan", "alpha": "2"}, "not a number"),
    ],
)
def test_what_is_refused_is_named_with_what_would_be_accepted(axis: str, value: Any, message: str) -> None:
    with pytest.raises(CatalogueError) as refused:
        catalogue.resolve(axis, value)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_level_can_be_registered_twice_but_not_replaced() -> None:
    present = catalogue.entry("encoding", "direct")
    catalogue.register(present)
    with pytest.raises(CatalogueError, match="already has a level 'direct'"):
        catalogue.register(LevelEntry("encoding", "direct", "x", "elsewhere", "somewhere:Direct"))
    assert catalogue.entry("encoding", "direct") is present
