"""The README's examples and the tutorials, run as written."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TUTORIAL = "docs/tutorials/your_own_level.md"


def blocks(page: str, language: str) -> list[str]:
    """The code blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def test_the_readmes_first_own_study_is_valid(tmp_path: Path) -> None:
    (study,) = blocks("README.md", "yaml")
    (tmp_path / "mine.yaml").write_text(study)
    command = [sys.executable, "-m", "ablate", "plan", "mine.yaml", "axes.neuron=[lif,klif]"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "4 cells x 5 seeds = 20 runs" in done.stdout


def test_the_readmes_python_runs() -> None:
    (example,) = blocks("README.md", "python")

    done = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr


def test_a_residual_block_of_ones_own_is_ablated(tmp_path: Path) -> None:
    (plugin,), (study,) = blocks(TUTORIAL, "python"), blocks(TUTORIAL, "yaml")
    (tmp_path / "xor_block.py").write_text(plugin)
    (tmp_path / "xor.yaml").write_text(study)
    (command,) = blocks(TUTORIAL, "sh")

    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )

    assert done.returncode == 0, done.stdout + done.stderr
    with (tmp_path / "studies" / "xor" / "report" / "runs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["residual"] == "xor"]
    assert [row["status"] for row in rows] == ["complete", "complete"]
    with (tmp_path / "studies" / "xor" / "report" / "effects.csv").open() as file:
        assert "xor" in {row["level"] for row in csv.DictReader(file)}
