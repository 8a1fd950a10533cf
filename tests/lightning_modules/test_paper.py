from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from lightning_modules.paper import load_paper_checkpoint, parameter_names

_REFERENCE = Path(__file__).parent / "reference"
_NAMES = ("sresnet_n1_f4_T3", "sresnet_boost_n1_f4_T3", "sresnet_nm_n1_f4_T3")
_PLAIN = _REFERENCE / "sresnet_n1_f4_T3.pth.tar"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", _NAMES)
def test_logits_loss_and_every_gradient_are_those_of_the_authors_code(name: str, dtype: torch.dtype) -> None:
    """Logits and loss to 1e-4 absolute, gradients to 1e-3 of their norm."""
    expected = np.load(_REFERENCE / f"{name}.npz")
    network = load_paper_checkpoint(_REFERENCE / f"{name}.pth.tar", classes=10).to(dtype)
    images, target = torch.from_numpy(expected["input"]), torch.from_numpy(expected["target"])
    with torch.no_grad():
        np.testing.assert_allclose(network(images), expected["logits_eval"], rtol=0, atol=1e-4)
    logits = network.train()(images)
    loss = F.cross_entropy(logits, target)
    loss.backward()
    np.testing.assert_allclose(logits.detach(), expected["logits_train"], rtol=0, atol=1e-4)
    assert loss.item() == pytest.approx(float(expected["loss_train"]), abs=1e-4)
    ours = dict(network.named_parameters())
    for theirs, (parameter, step) in parameter_names(depth=1, timesteps=3).items():
        wanted = torch.from_numpy(expected[f"grad/{theirs}"]).to(dtype)
        gradient = ours[parameter].grad if step is None else ours[parameter].grad[step]
        assert torch.linalg.vector_norm(gradient - wanted) <= 1e-3 * torch.linalg.vector_norm(wanted), theirs


@pytest.mark.parametrize("name", _NAMES)
def test_every_parameter_of_theirs_has_one_of_ours(name: str) -> None:
    gradients = [key.removeprefix("grad/") for key in np.load(_REFERENCE / f"{name}.npz") if key.startswith("grad/")]
    names = parameter_names(depth=1, timesteps=3)
    assert sorted(names) == sorted(gradients)
    network = load_paper_checkpoint(_REFERENCE / f"{name}.pth.tar")
    assert {ours for ours, _ in names.values()} == {parameter for parameter, _ in network.named_parameters()}


def test_sizes_are_read_from_the_shapes() -> None:
    network = load_paper_checkpoint(_REFERENCE / "sresnet_nm_n1_f4_T3.pth.tar", leak=0.5)
    choices = network.choices
    assert (choices.depth, choices.width, choices.timesteps, choices.leak) == (1, 4, 3, 0.5)
    assert network.stem.conv.stride == (2, 2) and network.stem.conv.in_channels == 2
    assert not network.training


@pytest.mark.parametrize(("classes", "outputs"), [(None, 100), (100, 100), (10, 10), (20, 20)])
def test_classes_decide_what_a_head_of_100_outputs_is(classes: int | None, outputs: int) -> None:
    network = load_paper_checkpoint(_REFERENCE / "sresnet_boost_n1_f4_T3.pth.tar", classes=classes)
    assert network(torch.zeros(1, 3, 32, 32)).shape == (1, outputs)


@pytest.mark.parametrize("classes", [0, -1, 3, 20])
def test_classes_that_do_not_divide_the_head_are_refused(classes: int) -> None:
    with pytest.raises(ValueError, match=f"classes: {classes} is not accepted; it must divide the head's 10 outputs"):
        load_paper_checkpoint(_PLAIN, classes=classes)


class _Foreign:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def _missing(path: Path) -> None:
    pass


def _truncated(path: Path) -> None:
    path.write_bytes(_PLAIN.read_bytes()[:5000])


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("not a checkpoint\n")


def _directory(path: Path) -> None:
    path.mkdir()


def _foreign_pickle(path: Path) -> None:
    torch.save({"state_dict": _Foreign()}, path)


def _no_state(path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, path)


def _other_network(path: Path) -> None:
    torch.save({"state_dict": {"conv1.weight": torch.zeros(4, 3, 3, 3)}}, path)


def _changed(path: Path, name: str, value: torch.Tensor | None) -> None:
    saved = torch.load(_PLAIN, weights_only=True)
    saved["state_dict"].pop(name)
    torch.save({"state_dict": saved["state_dict"] | ({} if value is None else {name: value})}, path)


def _lost_norm(path: Path) -> None:
    _changed(path, "bntt_list.3.1.bias", None)


def _wrong_shape(path: Path) -> None:
    _changed(path, "conv_list.3.weight", torch.zeros(8, 5, 3, 3))


def _flat_head(path: Path) -> None:
    _changed(path, "fc.weight", torch.zeros(10))


@pytest.mark.parametrize(
    "spoil",
    [
        _missing,
        _truncated,
        _empty,
        _text,
        _directory,
        _foreign_pickle,
        _no_state,
        _other_network,
        _lost_norm,
        _wrong_shape,
        _flat_head,
    ],
)
def test_a_file_that_is_not_one_is_refused_in_one_line(
    spoil: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "x.pth.tar"
    spoil(path)  # type: ignore[operator]
    with pytest.raises(ValueError) as refused:
        load_paper_checkpoint(path)
    assert str(refused.value).startswith(str(path)) and "\n" not in str(refused.value)
    assert not (tmp_path / "executed").exists()


def test_the_file_may_be_anywhere(tmp_path: Path) -> None:
    copy = shutil.copy(_PLAIN, tmp_path / "any name.tar")
    assert load_paper_checkpoint(str(copy)).choices.width == 4
