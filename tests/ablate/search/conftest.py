"""The fixture of this folder. Its presence also puts `searches` on the path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from searches import BASELINE, LISTS, RANGES, Driver

from ablate import config
from ablate.search import size


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Driver]:
    """Makes a driver; parameters are counted without torch, as 100 a channel."""
    monkeypatch.setattr(size, "parameters", lambda sections: 100 * sections["model"]["width"])

    def make(folder: str = "study", **fields: Any) -> Driver:
        made = {"name": "test", "design": "search", "baseline": BASELINE, "axes": {**LISTS, **RANGES}} | fields
        return Driver(tmp_path / folder, config.parse(made))

    return make
