"""Shuffled frames: the same frames of every recording in another order, in every part, always the same one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lightning_modules import constraints, data
from lightning_modules.building import create
from lightning_modules.choices import DataChoices, ModelChoices
from lightning_modules.data.module import TensorData

STEPS = 5


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def module(frame_order: str, *, seed: int = 0, batch_size: int = 64) -> TensorData:
    choices = DataChoices(name="digits_dvs", frame_order=frame_order, batch_size=batch_size)  # type: ignore[arg-type]
    encoder = create("encoding", "event_count", timesteps=STEPS, size=16)
    return data.open(choices, encoder=encoder, seed=seed)


def part(loaded: TensorData, name: str) -> Tensor:
    """Frames of a part in the order of the data set."""
    x, _, index = (torch.cat(each) for each in zip(*getattr(loaded, f"{name}_dataloader")(), strict=True))
    return x[index.argsort()]


def canonical(frames: Tensor) -> list[list[bytes]]:
    return [sorted(frame.numpy().tobytes() for frame in recording) for recording in frames]


@pytest.mark.parametrize("name", ["train", "val", "test"])
def test_the_frames_are_kept_and_their_order_is_not(name: str) -> None:
    recorded, shuffled = part(module("recorded"), name), part(module("shuffled"), name)
    assert canonical(recorded) == canonical(shuffled)
    moved = (recorded != shuffled).flatten(1).any(1).float().mean()
    assert moved > 0.95


def test_the_order_is_the_same_in_every_epoch_seed_and_batch() -> None:
    loaded = module("shuffled")
    first = part(loaded, "test")
    assert torch.equal(first, part(loaded, "test"))
    assert torch.equal(first, part(module("shuffled", seed=5, batch_size=7), "test"))


def test_every_recording_has_an_order_of_its_own() -> None:
    recorded, shuffled = part(module("recorded"), "test"), part(module("shuffled"), "test")
    first = (recorded == shuffled[:, :1]).flatten(2).all(2).to(torch.uint8).argmax(1)
    counts = torch.bincount(first, minlength=STEPS)
    assert counts.min() > len(first) / STEPS / 2


@pytest.mark.parametrize(
    ("name", "encoding", "timesteps", "said"),
    [("digits", "direct", 4, "digits holds images"), ("digits_dvs", "event_count", 1, "one frame")],
)
def test_where_nothing_can_be_shuffled_it_is_refused(name: str, encoding: str, timesteps: int, said: str) -> None:
    model = ModelChoices.model_validate({"encoding": encoding, "timesteps": timesteps})
    choices = DataChoices(name=name, frame_order="shuffled")
    assert said in (constraints.shuffling_needs_frames(model, choices) or "")
