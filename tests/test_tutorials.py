"""The tutorials, run as written."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

TUTORIALS = Path(__file__).parent.parent / "docs" / "tutorials"


def blocks(tutorial: str, language: str) -> list[str]:
    """The code blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", (TUTORIALS / tutorial).read_text(), re.MULTILINE | re.DOTALL)


def test_a_residual_block_of_ones_own_is_ablated(tmp_path: Path) -> None:
    (plugin,), (study,) = blocks("your_own_level.md", "python"), blocks("your_own_level.md", "yaml")
    (tmp_path / "xor_block.py").write_text(plugin)
    (tmp_path / "xor.yaml").write_text(study)
    (command,) = blocks("your_own_level.md", "sh")

    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )

    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "studies" / "xor" / "report" / "runs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["residual"] == "xor"]
    assert [row["status"] for row in rows] == ["complete", "complete"]
    with (tmp_path / "studies" / "xor" / "report" / "effects.csv").open() as file:
        assert "xor" in {row["level"] for row in csv.DictReader(file)}
