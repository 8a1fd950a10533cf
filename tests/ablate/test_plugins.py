"""Levels from outside: modules that a study names, and packages that announce themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ablate import plugins
from ablate.errors import RequestError

LEVEL = """
from lightning_modules.catalogue import register
from lightning_modules.level import LevelEntry

register(LevelEntry("loss", "mine", equation="0", source="a test", factory="mine:Mine"))
"""


def test_an_installed_package_offers_its_levels_by_an_entry_point(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LEVEL)
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ablate.levels]\nmine = mine\n")

    done = subprocess.run(
        [sys.executable, "-m", "ablate", "axes", "loss"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "mine\n  0\n  source: a test" in done.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("import nowhere_to_be_found", "ModuleNotFoundError"),
        ("1 / 0", "ZeroDivisionError"),
        ("(", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_one_line(content: str, reason: str, tmp_path: Path) -> None:
    name = f"broken_{reason.lower()}"
    (tmp_path / f"{name}.py").write_text(content)

    with pytest.raises(RequestError, match=f"plugins: '{name}' cannot be imported: {reason}") as refusal:
        plugins.load([name], [str(tmp_path)])
    assert "\n" not in str(refusal.value)


def test_a_name_that_is_no_module_is_refused() -> None:
    with pytest.raises(RequestError, match=r"plugins: '../evil' is not a module name"):
        plugins.load(["../evil"], [])
