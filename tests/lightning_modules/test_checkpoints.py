"""Checkpoints of ours: written, read back, refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from lightning_modules import checkpoints
from lightning_modules.paper import load_paper_checkpoint

REFERENCE = Path(__file__).parent / "reference"


@pytest.mark.parametrize("name", ["sresnet_n1_f4_T3", "sresnet_boost_n1_f4_T3", "sresnet_nm_n1_f4_T3"])
def test_a_paper_checkpoint_keeps_its_outputs_as_one_of_ours(name: str, tmp_path: Path) -> None:
    network = load_paper_checkpoint(REFERENCE / f"{name}.pth.tar", classes=10)
    checkpoints.save_network(network, tmp_path / "ours.ckpt")

    again = checkpoints.load(tmp_path / "ours.ckpt").network
    x = torch.rand(2, 3, 2, 128, 128) if network.events else torch.randn(2, 3, 32, 32)
    assert torch.equal(again(x), network(x))
    assert again.choices == network.choices


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged or not a checkpoint"),
        (b"not a checkpoint at all", "damaged, or holds objects"),
        (pickle.dumps(print), "damaged, or holds objects"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)

    with pytest.raises(ValueError, match=message) as refusal:
        checkpoints.load(path)
    assert "\n" not in str(refusal.value)


def test_the_papers_own_format_is_refused_with_the_way_to_import_it() -> None:
    with pytest.raises(ValueError, match="are read by: ablate import-checkpoint"):
        checkpoints.load(REFERENCE / "sresnet_n1_f4_T3.pth.tar")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing.ckpt: cannot be read \(No such file"):
        checkpoints.load(tmp_path / "nothing.ckpt")
