"""The Triton back end against the eager reference: in Triton's interpreter, and on a GPU (`pytest -m gpu`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_modules.choices import ModelChoices
from lightning_modules.kernels import compiler
from lightning_modules.network import SpikingResNet

needs_triton = pytest.mark.skipif(compiler.without_triton() is not None, reason=str(compiler.without_triton()))


@needs_triton
@pytest.mark.parametrize(
    ("interpret", "chosen"),
    [
        pytest.param("1", "not gpu", id="interpreted"),
        pytest.param("0", "gpu", id="gpu", marks=[pytest.mark.gpu, pytest.mark.timeout(3600)]),
    ],
)
def test_kernels_compute_what_eager_computes(interpret: str, chosen: str) -> None:
    """All of `triton_cases.py`, in a process of its own: Triton asks once whether it is to interpret."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", chosen, "triton_cases.py"],
        cwd=Path(__file__).parent, env=os.environ | {"TRITON_INTERPRET": interpret}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@needs_triton
def test_kernels_compile_for_a_gpu_that_is_not_here() -> None:
    """The interpreter accepts what the compiler does not. In a process that was not told to interpret."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "triton_compiles.py"],
        cwd=Path(__file__).parent, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["moments", "fire", "differentiate", "differentiate", "finish"]


@pytest.fixture
def network() -> SpikingResNet:
    return SpikingResNet(ModelChoices(depth=1, width=4, timesteps=2), in_channels=1, classes=3)


def test_asking_for_triton_without_it_names_what_is_missing(
    network: SpikingResNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "without_triton", lambda: "the package triton is missing (extra triton)")
    with pytest.raises(ValueError, match=r"backend: triton cannot compute here, the package triton is missing"):
        network.use_backend("triton")


@needs_triton
def test_triton_on_the_cpu_is_refused(network: SpikingResNet) -> None:
    """Not a silent return to eager."""
    network.use_backend("triton")
    with pytest.raises(ValueError, match="triton computes on CUDA GPUs, and this is on cpu"):
        network(torch.rand(2, 1, 8, 8))
