"""What all tests need of the process they run in, and of the programs that some of them start."""

from __future__ import annotations

import os
import re
import shutil
import signal

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # several test processes share the cores; read when torch is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")

PROGRAMS = {"browser": ("chromium", "chromium-browser", "google-chrome"), "latex": ("pdflatex",)}
"""Marker -> the programs of which a marked test needs one. ABLATE_REQUIRE_<MARKER>=1 makes a skip a failure."""


def pytest_configure(config: pytest.Config) -> None:
    """Hear Ctrl-C also where a shell started the tests in the background, and hide GPUs unless they are asked for.

    Such a shell has SIGINT ignored, which every process started from here would inherit. With a GPU in sight, runs of
    tests that say nothing of a device would compute on it, every test process and worker with a share of its memory.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not re.search(r"(?<!not )\bgpu\b", config.option.markexpr):
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program or a GPU that is not here, with the reason; fail instead where it was asked for."""
    for marker, programs in PROGRAMS.items():
        if item.get_closest_marker(marker) is not None and not any(shutil.which(each) for each in programs):
            _without(marker, f"needs {programs[0]}, which is not installed")
    if item.get_closest_marker("gpu") is not None and not _gpu():
        _without("gpu", "needs a CUDA GPU, which is shown to tests with -m gpu alone")


def _without(marker: str, reason: str) -> None:
    if os.environ.get(f"ABLATE_REQUIRE_{marker.upper()}") == "1":
        pytest.fail(f"{reason}, and ABLATE_REQUIRE_{marker.upper()}=1", pytrace=False)
    pytest.skip(reason)


def _gpu() -> bool:
    import torch

    return torch.cuda.is_available()
