"""Questions to a written guide, on the examples of the repository: explain and compare, through the command line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command_line import inside

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NMNIST, CIFAR = str(EXAMPLES / "nmnist"), str(EXAMPLES / "cifar10_small")


def test_explain_ends_with_the_number_of_the_guide(tmp_path: Path) -> None:
    done = inside("explain", NMNIST, "residual=sew_add", cwd=tmp_path)
    assert done.returncode == 0
    lines = (EXAMPLES / "nmnist" / "guide.md").read_text().splitlines()
    (row,) = (line for line in lines if line.startswith("| sew_add | "))
    assert re.fullmatch(r"-\d+\.\d \(-\d+\.\d, -\d+\.\d\)", printed := row.split(" | ")[2])
    assert printed in done.stdout.splitlines()[-1]


def test_compare_sees_that_a_copy_is_the_same_and_that_a_changed_run_is_not(tmp_path: Path) -> None:
    shutil.copytree(NMNIST, tmp_path / "copy")
    same = inside("compare", NMNIST, "copy", cwd=tmp_path)
    assert same.returncode == 0 and "55 pairs of runs, 55 of them identical. Nothing changed." in same.stdout
    assert same.stdout.startswith(f"nmnist in copy against nmnist in {NMNIST}, test_accuracy")
    runs = tmp_path / "copy" / "runs.csv"
    table = pd.read_csv(runs, dtype=str, keep_default_na=False)
    table.loc[0, "test_accuracy"] = str(float(table.loc[0, "test_accuracy"]) - 0.1)
    table.to_csv(runs, index=False)
    other = inside("compare", NMNIST, "copy", cwd=tmp_path)
    assert other.returncode == 0 and "55 pairs of runs, 54 of them identical. No change was detected" in other.stdout


def test_studies_stand_side_by_side_in_a_folder_named_after_them(tmp_path: Path) -> None:
    done = inside("report", NMNIST, CIFAR, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "consistent: worse" in done.stdout and "decided in 0 of 2" in done.stdout
    folder = tmp_path / "nmnist-cifar10_small-report"
    assert {path.name for path in folder.iterdir()} == {
        "figures", "guide.html", "guide.json", "guide.md", "guide.tex", "side_by_side.csv", "tables",
    }  # fmt: skip
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    again = inside("report", NMNIST, CIFAR, "--source", "ledger", "--out", str(folder), cwd=tmp_path)
    assert again.returncode == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", NMNIST, NMNIST), "nmnist is there twice"),
        (("report", NMNIST, "nowhere"), "nowhere"),
        (("report", NMNIST, CIFAR, "--out", NMNIST), "holds a study; name another folder"),
        (("report", NMNIST, CIFAR, "--dir", "x"), "--dir and --storage go with one study"),
        (("report", NMNIST, "--source", "wandb:e/p/s"), "names the study already"),
        (("report", "--source", "wandb"), "--source wandb: not a source; ledger, or wandb:entity/project/study"),
        (
            ("report", "--source", "wandb:foo"),
            "--source wandb:foo: not a source; ledger, or wandb:entity/project/study",
        ),
        (("explain", NMNIST, "residual=plain", "--source", "wandb:e/p/s"), "names the study already"),
        (("explain", "residual=plain"), "of which study?"),
        (("explain", NMNIST, "residual=plain", "x"), "too many arguments"),
        (("explain", NMNIST, "residul=plain"), "did you mean 'residual'?"),
        (("explain", NMNIST, "residual=sewadd"), "did you mean 'sew_add'?"),
        (("explain", NMNIST, "residual=sresnet"), "is the baseline's level"),
        (("explain", "nowhere", "residual=plain"), "nowhere"),
        (("compare", NMNIST, CIFAR), "no cell in common"),
        (("compare", NMNIST, "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_answered_is_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = inside(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1
