"""Runs on different data never meet in one table, from the command line: files that changed between two calls."""

from __future__ import annotations

from pathlib import Path

from command_line import ablate

from ablate import export, same_data, workflow
from ablate.records import RunRecord

PLUGIN = """
import torch
from lightning_modules import data
from lightning_modules.data.arrays import Arrays
from lightning_modules.data.facts import DatasetEntry, SplitFacts
from lightning_modules.data.splits import held_out

def load(entry, choices, split):
    from pathlib import Path
    level = int(Path(choices.root, "level").read_text())
    images = torch.full((40, 1, 8, 8), level, dtype=torch.uint8)
    images[::2] = 0
    labels = torch.arange(40) % 2
    return Arrays(images, labels, 255, held_out(split, labels[:30].tolist(), validation=10, test=10))

data.register(DatasetEntry("changing", "1", "image", (1, 8, 8), 2, "a test", (0.5,), (0.5,), "changing:load",
                           {"changing-v1": SplitFacts(20, 10, 10, "", "a test")}))
"""
STUDY = """
name: changing
seeds: 1
plugins: [changing]
baseline:
  data: {name: changing, batch_size: 10, root: files}
  model: {depth: 1, width: 2, timesteps: 2}
  training: {epochs: 1}
axes: {residual: [plain]}
engine: {name: inline}
tracking: {mode: disabled}
"""


def test_a_study_whose_files_changed_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "changing.py").write_text(PLUGIN)
    (tmp_path / "changing.yaml").write_text(STUDY)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "level").write_text("200")
    first = ablate("run", "changing.yaml", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    (tmp_path / "files" / "level").write_text("100")
    before = sorted(path for path in (tmp_path / "studies").rglob("*") if path.is_file())

    changed = ablate("run", "changing.yaml", "seeds=2", cwd=tmp_path)

    assert changed.returncode == 2
    assert changed.stderr.count("\n") == 1
    assert "its runs saw other data of changing" in changed.stderr
    assert "--branch NAME" in changed.stderr
    assert sorted(path for path in (tmp_path / "studies").rglob("*") if path.is_file()) == before


def record(fingerprint: str | None) -> RunRecord:
    return RunRecord("c-0", 0, "t", "complete", provenance={"data_fingerprint": fingerprint} if fingerprint else {})


def test_the_data_of_a_study_are_those_of_most_of_its_runs_and_other_runs_are_left_out() -> None:
    seen = same_data.fingerprint_of([record("a" * 64), record("b" * 64), record("b" * 64), record(None)])
    assert seen == "b" * 64
    assert same_data.strays(record("b" * 64), seen) is None
    assert same_data.strays(record(None), seen) is None
    reason = same_data.strays(record("a" * 64), seen)
    assert reason == f"ran on other data ({'a' * 12}) than the study ({'b' * 12}): its numbers are left out"


def test_a_run_on_other_data_is_a_lost_one_in_the_tables_with_the_reason(tmp_path: Path) -> None:
    prepared = workflow.prepare("quickstart", ["seeds=1"], directory=str(tmp_path / "study"))
    runs = prepared.plan.runs[:3]
    with workflow.open_ledger(prepared) as ledger:
        ledger.sync(runs)
        for run, fingerprint in zip(runs, ("a" * 64, "b" * 64, "b" * 64), strict=True):
            attempt = ledger.claim(run.run_id)
            provenance = {"data_fingerprint": fingerprint}
            metrics: dict[str, float | int | None] = {"val_accuracy": 0.5, "test_accuracy": 0.5}
            done = RunRecord(run.run_id, 0, attempt.token, "complete", metrics=metrics, provenance=provenance)
            ledger.finish(attempt, done)
    table = export.results(prepared.directory, prepared.plan, workflow.read_ledger(prepared.directory)).runs
    ended = table[table["status"] != "missing"].set_index("run_id")
    assert ended.loc[[run.run_id for run in runs], "status"].tolist() == ["failed", "complete", "complete"]
    assert "ran on other data" in ended.loc[runs[0].run_id, "reason"]
    assert ended["test_accuracy"].isna().tolist().count(True) == 1
