"""The engine that shares its caller's terminal."""

from __future__ import annotations

import shutil
from pathlib import Path

import dummies
import pytest

from ablate.engines import InlineEngine


def test_where_no_log_can_be_written_a_failure_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As on a full disk: the run's folder takes nothing."""
    spec = dummies.spec(tmp_path, "error")
    shutil.rmtree(spec.directory)
    given = InlineEngine("dummies:run").submit(spec).result()
    assert given.reason == "ValueError: the first line and the second"
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "run c0-0: ValueError: the first line and the second; nor can its log be written"
    assert all("nor can its log be written" in line for line in said)
