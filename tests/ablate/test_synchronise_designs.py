"""Searches, tunings and studies that grew, on a W&B server: nothing but paired designs would be half of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb
from command_line import ablate
from wandb_double import WandbDouble

TABLES = ("runs.csv", "curves.csv", "layers.csv", "results.json", "effects.csv", "guide.md", "guide.html")

SMALL = """
baseline:
  data: {name: digits, batch_size: 256}
  model: {depth: 1, width: 2, timesteps: 1}
  training: {epochs: 2, lr: 0.05}
engine: {name: inline}
tracking: {project: designs}
"""

SEARCH = """
name: searched
design: search
search: {trials: 5, sampler: random, pruner: median, constraints: {parameters: {max: 6000}}}
axes:
  residual: [plain, sresnet]
  width: {low: 2, high: 9}
"""

TUNED = """
name: tuned
seeds: 1
tuning: {trials: 2, space: {training.lr: {low: 0.005, high: 0.5, log: true}}}
axes:
  residual: [plain, sresnet]
"""


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbDouble]:
    wandb.teardown()
    with WandbDouble() as double:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        for name, value in double.environment().items():
            monkeypatch.setenv(name, value)
        yield double
        assert double.problems == []


def _done(*arguments: str, cwd: Path) -> str:
    done = ablate(*arguments, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rebuilt(name: str, folder: Path) -> None:
    """The report from W&B alone is that of the ledger, byte for byte."""
    _done("report", "--source", f"wandb:me/designs/{name}", "--out", "rebuilt", cwd=folder)
    own = folder / "studies" / name / "report"
    assert [each for each in TABLES if (own / each).read_bytes() != (folder / "rebuilt" / each).read_bytes()] == []


@pytest.mark.parametrize(
    ("study", "more"),
    [(SEARCH, ("search.trials=6", "--confirm", "best", "--seeds", "2")), (TUNED, ("seeds=2",))],
    ids=["search", "tuning"],
)
def test_a_design_is_synchronised_rebuilt_and_brought_up_to_date(
    study: str, more: tuple[str, ...], double: WandbDouble, tmp_path: Path
) -> None:
    (tmp_path / "study.yaml").write_text(study + SMALL)
    name = "searched" if study is SEARCH else "tuned"
    _done("run", "study.yaml", "--no-preflight", cwd=tmp_path)
    first = _done("sync", name, cwd=tmp_path)
    _rebuilt(name, tmp_path)
    _done("publish", name, cwd=tmp_path)
    pages, runs = set(double.store.views), len(double.store.jobs("train"))
    assert "everything is there already" in _done("sync", name, cwd=tmp_path), first

    _done("run", "study.yaml", *more, "--no-preflight", cwd=tmp_path)
    _done("sync", name, cwd=tmp_path)
    assert len(double.store.jobs("train")) > runs
    _rebuilt(name, tmp_path)
    _done("publish", name, cwd=tmp_path)
    assert set(double.store.views) == pages and len(pages) == 2, "updated in place"
    _done("doctor", name, cwd=tmp_path)
