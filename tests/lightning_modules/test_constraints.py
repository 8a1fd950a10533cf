from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch

from lightning_modules import catalogue, constraints, data
from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
from lightning_modules.network import SpikingResNet

_IMAGES = DataChoices(name="digits")
_ZEROED = {"zero_init_residual": True}
_FIRING = {"residual": "sew_and", "normalization": "bn", "zero_init_residual": True}
_VANILLA = {"residual": "vanilla", "normalization": "bn", "timesteps": 4}
_CONTROL = {"neuron": "relu", "timesteps": 1, "normalization": "bn"}


def _check(model: dict[str, Any], training: dict[str, Any] | None = None, data: DataChoices = _IMAGES) -> str | None:
    return constraints.check(ModelChoices.model_validate(model), TrainingChoices(**(training or {})), data)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"residual": "ms", "leak": 0.5}, "ms brings its own membrane, so leak has no effect"),
        ({"residual": "ms", "neuron": "if"}, "ms brings its own membrane, so neuron has no effect"),
        ({"residual": "ms", "surrogate": "atan"}, "so surrogate has no effect"),
        ({**_CONTROL, "timesteps": 4}, "relu is a control with timesteps 1, not 4"),
        ({**_CONTROL, "normalization": "bntt"}, "ordinary network with bn, not bntt"),
        ({"neuron": "psn", "reset": "zero"}, "psn has no reset"),
        ({"neuron": "masked_psn", "detach_reset": False}, "masked_psn has no reset, so detach_reset has no effect"),
        ({"neuron": "psn", "normalization": "mpbn"}, "mpbn normalises a membrane, and psn has none"),
        ({"normalization": {"name": "group", "groups": 3}, "width": 8}, "3 groups do not divide width 8"),
        ({"neuron": {"name": "lif", "decay_input": True}, "leak": 1.0}, "scales its input by 0"),
        ({"residual": "plain", "shortcut": "conv_norm"}, "plain has no shortcut, so conv_norm has no effect"),
        ({"residual": "plain", **_ZEROED}, "plain has no shortcut, so zero_init_residual"),
        ({"residual": "or", "shortcut": "conv_norm"}, "or is logic on spikes, and a conv_norm shortcut is real-valued"),
        ({"residual": "sew_iand", **_CONTROL}, "sew_iand is logic on spikes, and relu has none"),
        ({"residual": "vanilla", "normalization": "none", **_ZEROED}, "normalization none has no weight"),
        (_ZEROED, "out of reach of the triangle surrogate: the branch would never learn"),
        ({"residual": "sew_add", "surrogate": "rectangle", **_ZEROED}, "out of reach of the rectangle surrogate"),
        ({"scale": "none", "threshold": 1.5, **_ZEROED}, "out of reach of the triangle surrogate"),
        ({"neuron": "klif", "surrogate": "atan", **_ZEROED}, "its gradient is 0"),
        (_FIRING, "fire gt and input gain 1 stays silent"),
        ({**_FIRING, "threshold": 1.1, "fire": "ge"}, "threshold 1.1"),
        ({**_FIRING, "neuron": {"name": "lif", "tau": 2.0, "decay_input": True}, "fire": "ge"}, "input gain 0.5"),
        ({**_FIRING, "neuron": "plif", "fire": "ge"}, "input gain 0.5"),
        ({**_FIRING, "neuron": "psn", "fire": "ge"}, "psn mixes steps"),
        ({**_FIRING, "normalization": "bntt", "fire": "ge"}, "this bntt has no bias"),
        ({**_FIRING, "normalization": "mpbn", "fire": "ge"}, "mpbn takes off the membrane"),
        ({**_VANILLA, "timesteps": 1}, "raise lif to 1 in timesteps 1"),
        ({**_VANILLA, "neuron": "plif"}, "raise plif to 0.938 in timesteps 4, with threshold 1 and fire gt not enough"),
        ({**_VANILLA, "neuron": {"name": "lif", "tau": 2.0, "decay_input": True}}, "raise lif to 0.938"),
        ({**_VANILLA, "neuron": "psn"}, "on which psn starts silent: the network would never learn"),
        ({"encoding": "latency", "timesteps": 1}, "fires every pixel at once"),
        ({"encoding": "phase", "timesteps": 30}, "phase with 30 bits"),
        ({"encoding": {"name": "phase", "period": 8}, "timesteps": 4}, "never shows its last bits in timesteps 4"),
        ({**_CONTROL, "readout": "spike_count"}, "spike_count reads spikes, and relu has none"),
        ({**_CONTROL, "readout": {"name": "boosting", "spiking": True}}, "reads spikes, and relu has none"),
        ({"frame_size": 32}, "frame_size is the size of event frames, and digits holds images"),
    ],
)
def test_a_senseless_combination_is_refused_with_its_reason(model: dict[str, Any], reason: str) -> None:
    found = _check(model)
    assert found is not None and reason in found and "\n" not in found


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"residual": "ms"},
        {"residual": {"name": "ms", "membrane": "model"}, "leak": 0.5, "surrogate": "atan"},
        _CONTROL,
        {"neuron": "psn"},
        {"neuron": "psn", "reset": "none"},
        {"residual": "plain", "zero_init_residual": False},
        {"residual": "or", "shortcut": "conv_norm_sn"},
        {"residual": "ms", "normalization": "none"},
        {"residual": "vanilla", **_ZEROED},
        {"surrogate": "atan", **_ZEROED},
        {"surrogate": {"name": "triangle", "width": 1.5}, **_ZEROED},
        {"scale": "none", "threshold": 0.5, **_ZEROED},
        {**_FIRING, "fire": "ge"},
        {**_FIRING, "threshold": 0.9},
        {**_FIRING, "normalization": {"name": "bntt", "bias": True}, "fire": "ge"},
        _VANILLA,
        {**_VANILLA, "neuron": "if", "threshold": 3.9},
        {**_VANILLA, "neuron": "plif", "zero_init_residual": False},
        {**_VANILLA, "neuron": "plif", "normalization": "none"},
        {**_VANILLA, "neuron": "plif", "surrogate": "atan"},
        {**_VANILLA, "neuron": "plif", "threshold": 0.9},
        {**_VANILLA, "timesteps": 1, "fire": "ge"},
        {"encoding": "phase", "timesteps": 24},
        {"encoding": {"name": "phase", "period": 8}, "timesteps": 30},
    ],
)
def test_a_sensible_combination_is_not_refused(model: dict[str, Any]) -> None:
    assert _check(model) is None


def test_a_rate_penalty_needs_spikes() -> None:
    assert _check(_CONTROL, {"rate_weight": 0.1}) == "rate_weight penalises spikes, and relu has none"
    assert _check({}, {"rate_weight": 0.1}) is None


@pytest.mark.parametrize("encoding", ["direct", "poisson", "latency"])
def test_static_encodings_are_refused_for_events(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = replace(data.DATASETS["digits"], name="recordings", kind="events")
    monkeypatch.setitem(data.DATASETS, "recordings", recordings)
    reason = _check({"encoding": encoding}, data=DataChoices(name="recordings"))
    fits = "event_count, time or voxel fits"
    assert reason == f"encoding {encoding} is for images, and recordings holds events; {fits}"
    assert _check({"encoding": "time", "frame_size": 16}, data=DataChoices(name="recordings")) is None


def test_frames_of_events_are_refused_for_images() -> None:
    reason = _check({"encoding": "event_count"}, data=DataChoices(name="digits"))
    assert reason is not None and reason.startswith(
        "encoding event_count is for events, and digits holds images; direct"
    )


@pytest.mark.parametrize(("residual", "neuron"), product(catalogue.levels("residual"), catalogue.levels("neuron")))
@pytest.mark.parametrize(("normalization", "zero_init"), [("bn", True), ("mpbn", None)])
def test_what_is_not_refused_can_be_built_and_run(
    residual: str, neuron: str, normalization: str, zero_init: bool | None
) -> None:
    model = ModelChoices.model_validate(
        {
            "depth": 1,
            "width": 2,
            "timesteps": 1 if neuron == "relu" else 2,
            "residual": {"name": "ms", "membrane": "model"} if residual == "ms" else residual,
            "neuron": neuron,
            "normalization": normalization,
            "zero_init_residual": zero_init,
            "fire": "ge",
            "surrogate": "atan",
        }
    )
    if constraints.check(model, TrainingChoices(), _IMAGES) is None:
        assert SpikingResNet(model, in_channels=1, classes=2)(torch.rand(2, 1, 4, 4)).isfinite().all()


def test_augmentation_of_images_is_refused_for_events(monkeypatch: pytest.MonkeyPatch) -> None:
    recordings = replace(data.DATASETS["digits"], name="recordings", kind="events")
    monkeypatch.setitem(data.DATASETS, "recordings", recordings)
    chosen = DataChoices.model_validate({"name": "recordings", "augment": "standard"})
    reason = _check({"encoding": "time"}, data=chosen)
    assert reason is not None and reason.startswith("standard augments images, and recordings holds events")
    assert _check({"encoding": "time"}, data=DataChoices(name="recordings")) is None


def test_a_cutout_as_large_as_the_image_is_refused() -> None:
    for side, refused in ((7, False), (8, True)):
        augment = {"name": "standard", "cutout": side}
        chosen = DataChoices.model_validate({"name": "digits", "augment": augment})
        assert (_check({}, data=chosen) is not None) == refused


def test_a_level_that_states_no_facts_is_not_refused_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for axis, built_in in {"residual": "plain", "neuron": "relu", "normalization": "none"}.items():
        theirs = replace(catalogue.entry(axis, built_in), name="theirs", facts={})
        monkeypatch.setitem(catalogue._ENTRIES[axis], "theirs", theirs)
    assert _check({"residual": "theirs", "shortcut": "conv_norm", "zero_init_residual": True}) is None
    assert _check({"neuron": "theirs", "reset": "zero", "readout": "spike_count"}) is None
    assert _check({"normalization": "theirs", "surrogate": "atan", **_ZEROED}) is None


def test_checking_does_not_load_torch() -> None:
    code = "import sys, lightning_modules.constraints; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
