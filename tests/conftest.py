"""What all tests need of the process they run in, and of the programs that some of them start."""

from __future__ import annotations

import os
import shutil
import signal

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # several test processes share the cores; read when torch is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")

PROGRAMS = {"browser": ("chromium", "chromium-browser", "google-chrome"), "latex": ("pdflatex",)}
"""Marker -> the programs of which a marked test needs one. ABLATE_REQUIRE_<MARKER>=1 makes a skip a failure."""


def pytest_configure() -> None:
    """Hear Ctrl-C also where a shell started the tests in the background.

    Such a shell has SIGINT ignored, which every process started from here would inherit.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a program that is not here, with the reason; fail instead where it was asked for."""
    for marker, programs in PROGRAMS.items():
        if item.get_closest_marker(marker) is None or any(shutil.which(each) for each in programs):
            continue
        reason = f"needs {programs[0]}, which is not installed"
        if os.environ.get(f"ABLATE_REQUIRE_{marker.upper()}") == "1":
            pytest.fail(f"{reason}, and ABLATE_REQUIRE_{marker.upper()}=1", pytrace=False)
        pytest.skip(reason)
