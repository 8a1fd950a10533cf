"""Looks through the command line: put on record once, before they are shown, and judged as the file declared."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from booked import ORIGIN, book, booked
from command_line import inside as ablate

from ablate import study_directory, workflow

STUDY = "studies/quickstart"


def verdicts(folder: Path) -> dict[str, str]:
    with (folder / STUDY / "report" / "effects.csv").open() as file:
        return {row["axis"]: row["verdict"] for row in csv.DictReader(file)}


def grow(folder: Path, *overrides: str) -> None:
    """Plan more of the study and book all that is missing."""
    prepared = workflow.prepare(str(folder / STUDY), overrides)
    study_directory.save(prepared.directory)
    with workflow.open_ledger(prepared) as ledger:
        ledger.sync(prepared.plan.runs)
        waiting = [run.run_id for run in prepared.plan.runs if ledger.state(run.run_id).status == "missing"]
        book(ledger, waiting, provenance=ORIGIN)


def test_reports_of_a_growing_study_are_counted_by_axis(tmp_path: Path) -> None:
    booked(tmp_path, complete=5)
    assert ablate("report", STUDY, cwd=tmp_path).returncode == 0
    assert verdicts(tmp_path) == {"residual": "undecided", "timesteps": "not testable"}

    grow(tmp_path)
    ablate("report", STUDY, cwd=tmp_path)
    assert verdicts(tmp_path) == {"residual": "undecided", "timesteps": "undecided"}, "each was seen once"

    grow(tmp_path, "seeds=3")
    ablate("report", STUDY, cwd=tmp_path)
    assert verdicts(tmp_path) == dict.fromkeys(("residual", "timesteps"), "exploratory (look 2)")


def test_the_same_runs_give_the_same_bytes_however_often_they_are_reported(tmp_path: Path) -> None:
    booked(tmp_path, complete=6)
    written = []
    for _ in range(2):
        ablate("report", STUDY, cwd=tmp_path)
        written.append({path: path.read_bytes() for path in (tmp_path / STUDY / "report").rglob("*") if path.is_file()})
    assert written[0] == written[1]


def test_a_declared_scheme_covers_its_looks_and_cannot_be_declared_afterwards(tmp_path: Path) -> None:
    prepared = workflow.prepare("quickstart", ["seeds=2", "axes={residual: [plain]}", "looks=[2, 3]"],
                                directory=str(tmp_path / STUDY))  # fmt: skip
    study_directory.save(prepared.directory)
    grow(tmp_path)
    ablate("report", STUDY, cwd=tmp_path)
    grow(tmp_path, "seeds=3")

    done = ablate("report", STUDY, cwd=tmp_path)

    assert verdicts(tmp_path) == {"residual": "undecided"}
    assert "this is look 2 of 2" in done.stdout
    refused = ablate("run", STUDY, "looks={at: [2, 3], boundary: pocock}", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "was run with looks=" in refused.stderr


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"made": [], "shown": []}', '{"made": {"residual": [{"seeds": 5}]}, "shown": []}',
                '{"made": {}, "shown": "abc"}'],
)  # fmt: skip
def test_a_damaged_record_of_looks_is_one_line_and_changes_nothing(tmp_path: Path, content: str) -> None:
    booked(tmp_path, complete=6)
    (tmp_path / STUDY / "looks.json").write_text(content)

    done = ablate("report", STUDY, cwd=tmp_path)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "looks.json: damaged; it counts how often effects were looked at" in done.stderr
    assert not (tmp_path / STUDY / "report").exists()


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["looks=[10, 5]"], "looks.at: [10, 5] does not increase; numbers of seed blocks, such as [5, 10], are needed"),
        (["looks=[5]"], "looks.at"),
        (["seeds=4", "looks=[5, 10]"], "seeds: 4 seed blocks are none of the declared looks; looks.at has 5, 10"),
        (["looks={at: [5, 10], boundary: pocok}"], "looks.boundary: 'pocok' is not accepted; did you mean 'pocock'?"),
        (
            ["design=search", "seeds=5", "search={trials: 3}", "looks=[5, 10]"],
            "looks: are for one_factor and factorial",
        ),
    ],
)
def test_a_scheme_that_cannot_be_meant_is_refused_in_one_line(overrides: list[str], line: str, tmp_path: Path) -> None:
    done = ablate("plan", "quickstart", *overrides, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert line in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((STUDY, f"{STUDY}/../quickstart"), "quickstart is there twice"),
        ((STUDY, "studies/other"), "no two of these studies have a contrast in common"),
        ((STUDY, "studies/alike", "--out", STUDY), "holds a study; name another folder"),
        ((STUDY, "studies/alike", "--out", f"{STUDY}/report"), "holds a study; name another folder"),
        ((STUDY, "studies/alike", "--out", f"{STUDY}/study.yaml"), "is a file; name a folder"),
    ],
    ids=["twice", "nothing-in-common", "a-study", "a-report-to-be", "a-file"],
)
def test_a_refused_report_of_several_is_no_look_and_writes_nothing(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    booked(tmp_path, complete=6)
    for name, axes in (("alike", "{residual: [plain]}"), ("other", "{encoding: [poisson]}")):
        other = workflow.prepare("quickstart", ["seeds=2", f"axes={axes}"], directory=str(tmp_path / "studies" / name))
        study_directory.save(other.directory)
    before = sorted(tmp_path.rglob("*"))

    done = ablate("report", *arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_studies_side_by_side_have_reports_of_their_own_and_one_look_each(tmp_path: Path) -> None:
    booked(tmp_path, complete=6)
    alike = workflow.prepare(
        "quickstart", ["seeds=2", "axes={residual: [plain]}"], directory=str(tmp_path / "studies" / "alike")
    )
    study_directory.save(alike.directory)
    with workflow.open_ledger(alike) as ledger:
        ledger.sync(alike.plan.runs)
        book(ledger, [run.run_id for run in alike.plan.runs], provenance=ORIGIN)

    done = ablate("report", STUDY, "studies/alike", "--out", "both", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "both" / "side_by_side.csv").is_file()
    for folder in (tmp_path / STUDY, tmp_path / "studies" / "alike"):
        written = {path: path.read_bytes() for path in (folder / "report").rglob("*") if path.is_file()}
        looks = json.loads((folder / "looks.json").read_text())
        assert [len(each) for each in looks["made"].values()] == [1] * len(looks["made"])
        assert ablate("report", str(folder), cwd=tmp_path).returncode == 0
        assert {path: path.read_bytes() for path in written} == written, "as the study alone has it"
