"""StudyResults: what is written is read back, in one order, and what is foreign is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_studies import one_factor

from reports.frames import guard, unguard
from reports.results import StudyResults
from reports.schema import run_columns
from reports.sources import study_directory

BASELINE = {"residual": "sresnet"}


def small(**changes: object) -> StudyResults:
    values = {
        "baseline": {"": [0.9, 0.91]},
        "residual": {"none": [1 / 3, "worker killed"], "=1+1": [0.1 + 0.2, "missing"]},
    }
    return one_factor(values, baseline=BASELINE, **changes)


def detailed() -> StudyResults:
    plain = small()
    run = plain.runs["run_id"][0]
    curves = pd.DataFrame(
        {"run_id": [run, run], "epoch": [1, 0], "split": "val", "metric": "loss", "value": [1e-17, 2.5]}
    )
    layers = pd.DataFrame({"run_id": run, "layer": ["block10", "block2"], "firing_rate": [0.1, None]})
    return StudyResults(plain.study, plain.runs, curves, layers, plain.exclusions, {run: "8A=="}, plain.provenance)


def test_reads_back_exactly_what_was_written(tmp_path: Path) -> None:
    written = detailed()
    written.write(tmp_path / "report")
    read = study_directory.read(tmp_path)
    for table in ("runs", "curves", "layers"):
        pd.testing.assert_frame_equal(getattr(read, table), getattr(written, table), check_exact=True)
    assert (read.study, read.correct, read.provenance) == (written.study, written.correct, written.provenance)


def test_wandb_ids_stay_text_even_where_all_are_digits(tmp_path: Path) -> None:
    first = small()
    ids = [f"{number:012d}" for number in range(len(first.runs))]
    named = replace(first, runs=first.runs.assign(wandb_run=ids))
    named.write(tmp_path)
    assert StudyResults.read(tmp_path).runs["wandb_run"].tolist() == ids


def test_columns_are_those_of_the_design_in_their_order() -> None:
    assert list(small().runs.columns) == list(run_columns(("residual",)))


def test_repeating_and_shuffling_change_no_byte(tmp_path: Path) -> None:
    first = detailed()
    shuffled = StudyResults(
        first.study, first.runs.iloc[::-1], first.curves.iloc[::-1], first.layers.iloc[::-1],
        first.exclusions, first.correct, first.provenance,
    )  # fmt: skip
    for path, other in zip(first.write(tmp_path / "a"), shuffled.write(tmp_path / "b"), strict=True):
        assert path.read_bytes() == other.read_bytes()
    again = StudyResults.read(tmp_path / "a").write(tmp_path / "c")
    assert [path.read_bytes() for path in again] == [(tmp_path / "a" / path.name).read_bytes() for path in again]


def test_layers_are_in_the_order_of_their_numbers() -> None:
    assert detailed().layers["layer"].tolist() == ["block2", "block10"]


def test_missing_metrics_stay_missing_and_a_level_named_none_does_not(tmp_path: Path) -> None:
    small().write(tmp_path)
    read = StudyResults.read(tmp_path).runs.set_index("run_id")
    assert read["residual"]["id-residual=none-0"] == "none"
    assert pd.isna(read["test_accuracy"]["id-residual=none-1"])
    assert pd.isna(read["parameters"]["id-baseline-0"])


def test_no_cell_begins_like_a_formula(tmp_path: Path) -> None:
    small().write(tmp_path)
    assert "'=1+1" in (tmp_path / "runs.csv").read_text()
    assert "=1+1" in StudyResults.read(tmp_path).runs["residual"].tolist()


@given(st.text(alphabet="='+-@1a"))
def test_guarding_loses_nothing(text: str) -> None:
    assert unguard(guard(text)) == text
    assert guard(text)[:1] not in ("=", "@")


def test_further_columns_are_kept_behind(tmp_path: Path) -> None:
    first = small()
    runs = first.runs.assign(note="a", spikes=3, drift=0.5)
    StudyResults(first.study, runs, first.curves, first.layers, (), {}, {}).write(tmp_path)
    read = StudyResults.read(tmp_path).runs
    assert list(read.columns)[-3:] == ["drift", "note", "spikes"]
    assert read[["drift", "note", "spikes"]].iloc[0].tolist() == [0.5, "a", 3]


def _broken(tmp_path: Path, name: str, old: str, new: str) -> str:
    small().write(tmp_path)
    text = (tmp_path / name).read_text()
    assert old in text
    (tmp_path / name).write_text(text.replace(old, new, 1))
    with pytest.raises(ValueError) as caught:
        StudyResults.read(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new", "problem"),
    [
        ("runs.csv", "complete", "finished", "'finished' is not one of"),
        ("runs.csv", "0.91", "ninety", "'ninety' is not a number"),
        ("runs.csv", "run_id", "run", "column run_id is missing"),
        ("runs.csv", "id-residual=none-0,id-residual=none", "id-residual=none-0,other", "'other' is not a cell"),
        ("runs.csv", "id-baseline-1", "id-baseline-0", "is there twice"),
        ("results.json", '"format": 1', '"format": 7', "format 7 is not known"),
        ("results.json", '"study"', '"studies"', "study is missing"),
        ("results.json", "{", "", "not JSON"),
    ],
)
def test_a_broken_file_is_named_with_its_problem(tmp_path: Path, name: str, old: str, new: str, problem: str) -> None:
    assert problem in _broken(tmp_path, name, old, new)


def test_a_torn_table_is_refused(tmp_path: Path) -> None:
    small().write(tmp_path)
    whole = (tmp_path / "runs.csv").read_text()
    (tmp_path / "runs.csv").write_text(whole[:-9])
    with pytest.raises(ValueError, match=r"runs\.csv: its last line is incomplete"):
        StudyResults.read(tmp_path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"results\.json: there is no such file"):
        StudyResults.read(tmp_path)


def test_results_json_is_plain_json(tmp_path: Path) -> None:
    small(margin=None).write(tmp_path)
    content = json.loads((tmp_path / "results.json").read_text())
    assert content["format"] == 1
    assert content["study"]["objective"]["margin"] is None


def test_runs_on_different_data_never_meet_in_one_table() -> None:
    runs = small().runs.copy()
    complete = runs.index[runs["status"] == "complete"]
    runs.loc[complete, "data_fingerprint"] = "f00d"
    replace(small(), runs=runs)
    runs.loc[complete[0], "data_fingerprint"] = "beef"
    with pytest.raises(ValueError, match=r"complete runs saw different data .* they never meet in one table"):
        replace(small(), runs=runs)
