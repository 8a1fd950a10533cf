"""`ablate check` on an example of the repository: the exit code is the answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import inside

NMNIST = Path(__file__).parents[2] / "docs" / "examples" / "nmnist"
HOLDING = (
    "claims:\n- sresnet beats sew_add by 2 points at T <= 4\n- {name: gap, claim: residual=plain loses to sew_add}\n"
)


def checked(tmp_path: Path, text: str, *options: str, study: str = str(NMNIST)) -> subprocess.CompletedProcess[str]:
    (tmp_path / "claims.yaml").write_text(text)
    return inside("check", study, "claims.yaml", *options, cwd=tmp_path)


def test_claims_that_all_hold_are_exit_code_0(tmp_path: Path) -> None:
    done = checked(tmp_path, HOLDING)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Of 2 claims 2 hold." in done.stdout


@pytest.mark.parametrize(
    ("sentence", "outcome"),
    [
        ("plain beats sresnet", "refuted"),
        ("bn matches bntt", "undecided"),
        ("bn beats bntt at T = 2", "not testable"),
    ],
)
def test_one_that_does_not_hold_is_exit_code_1(tmp_path: Path, sentence: str, outcome: str) -> None:
    done = checked(tmp_path, f"{HOLDING}- {sentence}\n")
    assert done.returncode == 1
    assert f"1 is {outcome}" in done.stdout


def test_json_holds_the_unrounded_numbers_and_the_runs(tmp_path: Path) -> None:
    done = checked(tmp_path, HOLDING, "--json")
    (card,) = json.loads(done.stdout)["cards"]
    row = dict(zip(card["columns"], card["rows"][0], strict=True))
    assert row["outcome"] == "holds" and 0 < row["p_value"] < 0.05
    assert len(row["runs"].split()) == 10


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("claims: [sresnet beats plaine]", "did you mean 'plain'?"),
        ("claims: [sresnet is nice]", "no relation between two levels"),
        ("claims: []", "no list of claims"),
        ("- sresnet beats plain", "no list of claims"),
        ("claims: [sresnet beats plain]\nstudy: x", "'study' is not a field"),
        ("claims: [{claim: sresnet beats plain}]", "claims[0]"),
        ("claims: [3]", "claims[0]: 3 is not a claim"),
        ("claims: [sresnet beats plain, sresnet  beats plain]", "is there twice"),
        ("claims: [", "not YAML"),
        ("claims: !!python/object:os.system [x]", "not YAML"),
        ("claims: ['a\\nb']", "no relation"),
    ],
)
def test_a_wrong_file_is_one_line_and_exit_code_2(tmp_path: Path, text: str, said: str) -> None:
    done = checked(tmp_path, text)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_what_is_not_there_or_torn_is_exit_code_2_not_a_claim_that_fails(tmp_path: Path) -> None:
    assert checked(tmp_path, HOLDING, study="nowhere").returncode == 2
    assert inside("check", str(NMNIST), "nowhere.yaml", cwd=tmp_path).returncode == 2
    shutil.copytree(NMNIST, tmp_path / "torn")
    (tmp_path / "torn" / "results.json").write_text("{")
    torn = checked(tmp_path, HOLDING, study="torn")
    assert torn.returncode == 2 and "results.json: not JSON" in torn.stderr


def test_checking_never_loads_torch(tmp_path: Path) -> None:
    (tmp_path / "claims.yaml").write_text(HOLDING)
    script = (
        "import sys; from ablate.commands import check; "
        f"check.main({str(NMNIST)!r}, 'claims.yaml', None); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
