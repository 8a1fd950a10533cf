"""`import-checkpoint` and `evaluate` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ablate, inside
from test_trial import spec

from ablate import trial
from lightning_modules import checkpoints
from lightning_modules.choices import ModelChoices
from lightning_modules.network import SpikingResNet

PAPER = Path(__file__).parent.parent / "lightning_modules" / "reference" / "sresnet_boost_n1_f4_T3.pth.tar"


def test_a_paper_checkpoint_is_imported_with_what_its_tensors_say(tmp_path: Path) -> None:
    done = ablate(
        "import-checkpoint", str(PAPER), "--classes", "10", "--leak", "0.8744", "--out", "ours.ckpt", cwd=tmp_path
    )

    assert done.returncode == 0, done.stderr
    assert "S-ResNet8, width 4, T 3, images, 10 classes (boosting), leak 0.8744" in done.stdout
    assert checkpoints.load(tmp_path / "ours.ckpt").network.choices.leak == 0.8744


def test_accuracy_is_printed_for_every_number_of_steps(tmp_path: Path) -> None:
    choices = ModelChoices(depth=1, width=2, timesteps=3)
    checkpoints.save_network(SpikingResNet(choices, in_channels=1, classes=10), tmp_path / "x.ckpt")

    done = ablate("evaluate", "x.ckpt", "--data", "digits", "--steps", "1..T", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["1", "2", "3"]
    done = inside("evaluate", "x.ckpt", "--data", "digits", "--steps", "2..1", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "ablate: --steps: '2..1' is not accepted; write 1..T, 1..4 or 1,2,4\n"
    # Refused at its fourth step: a list of all of them would take all memory.
    done = inside("evaluate", "x.ckpt", "--data", "digits", "--steps", f"1..{10**15}", cwd=tmp_path)
    assert done.stderr == "ablate: steps: 4 is not between 1 and the network's 3\n"


def test_a_checkpoint_is_shown_the_data_cut_and_fed_as_its_run_was(tmp_path: Path) -> None:
    fed = ["data={name: digits_dvs, resolution: 8, frame_order: shuffled}", "model={frame_size: 8, depth: 1}"]
    record = trial.run(spec(tmp_path, "model.encoding=event_count", *fed, "training.epochs=2"))

    done = inside("evaluate", "checkpoints/best.ckpt", "--data", "digits_dvs", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == f"{100 * float(record.metrics['test_accuracy'] or 0):.2f}"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["import-checkpoint", "nothing.pth.tar", "--out", "x.ckpt"], "nothing.pth.tar: cannot be read"),
        (["import-checkpoint", str(PAPER), "--classes", "7", "--out", "x.ckpt"], "classes: 7 is not accepted"),
        (["import-checkpoint", str(PAPER), "--leak", "2", "--out", "x.ckpt"], "--leak: 2 is out of range"),
        (["import-checkpoint", str(PAPER), "--out", "no/x.ckpt"], "--out no/x.ckpt: there is no folder no"),
        (["evaluate", "nothing.ckpt", "--data", "digits"], "nothing.ckpt: cannot be read"),
        (["evaluate", str(PAPER), "--data", "digitz"], "--data: 'digitz' is not a data set; did you mean 'digits'?"),
        (["evaluate", str(PAPER), "--data", "digits"], f"{PAPER}: not a checkpoint of ablate"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(arguments: list[str], line: str, tmp_path: Path) -> None:
    done = ablate(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"ablate: {line}") and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
