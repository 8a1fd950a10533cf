"""`ablate data`, and the packaged studies of images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import ablate

from ablate import config, design, study_file
from ablate.commands import data as command
from ablate.errors import RequestError, StudyError
from lightning_modules import data


def test_every_data_set_is_listed_in_a_line_with_what_is_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(None, str(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(data.DATASETS)]] == list(data.DATASETS)
    assert "embedded" in lines[0]
    assert "not downloaded" in lines[1]


@pytest.mark.parametrize("name", ["digits", "cifar10", "cifar100", "mnist", "fashion_mnist"])
def test_a_data_set_is_shown_with_splits_hashes_sizes_and_source(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(name, str(tmp_path)) == 0
    shown, entry = capsys.readouterr().out, data.entry(name)
    assert entry.source in shown
    for number, (split, facts) in enumerate(entry.splits.items()):
        assert f"split {split}{'' if number else ' (default)'}: train {facts.train:,}" in shown
        assert facts.sha256 in shown
    if entry.distribution is not None:
        assert f"{tmp_path / entry.distribution.folders[0]}/" in shown
        assert all(file.md5 in shown for file in entry.distribution.files)


def test_files_that_are_here_are_counted_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").touch()
    command.main("cifar10", str(tmp_path))
    assert "1 of 6 files present" in capsys.readouterr().out
    (tmp_path / "cifar-10-python.tar.gz").touch()
    command.main("cifar10", str(tmp_path))
    assert "; present\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "message"),
    [("cifar", "did you mean 'cifar10'"), ("digits", "nothing to download"), (None, "needs the name")],
)
def test_a_wrong_request_is_refused(name: str | None, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        command.main(name, None, download=name != "cifar")


def test_a_failed_download_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(entry: object, root: str | None) -> Path:
        raise OSError("cifar10: cannot be downloaded")

    monkeypatch.setattr(command, "fetch", unreachable)
    with pytest.raises(StudyError, match="cifar10: cannot be downloaded"):
        command.main("cifar10", str(tmp_path), download=True)


def test_the_command_line_shows_it_and_writes_nothing(tmp_path: Path) -> None:
    done = ablate("data", "cifar10", "--root", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cifar10-v1" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_it_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys; from ablate.commands import data; data.main('cifar10', None); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "cifar10_fast", "cifar10_small"])
def test_packaged_studies_of_images_plan_without_exclusions(name: str) -> None:
    plan = design.plan(config.load(name))
    assert plan.runs
    assert not plan.excluded


@pytest.mark.parametrize("name", study_file.packaged())
def test_every_packaged_study_plans_without_its_data(name: str) -> None:
    plan = design.plan(config.load(name))
    assert plan.runs
    assert f"# ablate run {name}" in study_file.find(name).read_text().splitlines()[0]


@pytest.mark.parametrize(
    "name",
    [
        f"paper_{each}"
        for each in ("residual", "residual_x_depth", "encoding", "normalization", "timesteps", "boosting")
    ],
)
def test_a_question_of_the_paper_has_the_control_without_spikes(name: str) -> None:
    cells = design.plan(config.load(name)).cells
    control = [cell for cell in cells if cell.config["model"]["neuron"] == "relu"]
    assert control
    assert all(cell.config["model"]["timesteps"] == 1 for cell in control)
    assert {cell.config["model"]["depth"] for cell in control} == {cell.config["model"]["depth"] for cell in cells}


def test_residual_x_depth_has_8_14_20_and_38_layers() -> None:
    cells = design.plan(config.load("paper_residual_x_depth")).cells
    assert {6 * cell.config["model"]["depth"] + 2 for cell in cells} == {8, 14, 20, 38}


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "cifar10dvs"])
def test_the_settings_of_the_paper_are_those_of_its_code(name: str) -> None:
    baseline = config.load(name).baseline
    model = baseline.model
    assert (model.depth, model.width, model.timesteps, model.leak) == (6, 32, 50, 0.8744)
    assert (baseline.training.epochs, baseline.training.lr, baseline.data.batch_size) == (70, 0.026844, 21)
    if name == "cifar10dvs":
        assert (data.describe(baseline.data).split, str(model.encoding), str(baseline.data.augment)) == (
            "front90",
            "event_count",
            "none",
        )


def test_the_published_setting_is_the_default_of_every_field_but_the_data() -> None:
    baseline = config.load("cifar10").baseline
    assert baseline.training == type(baseline.training)()
    assert baseline.model == type(baseline.model).model_validate({"normalization": {"name": "bntt", "bias": True}})
    assert (str(baseline.data.augment), baseline.data.batch_size) == ("standard", 21)


def test_the_small_study_takes_the_first_ten_thousand_images() -> None:
    facts = data.describe(config.load("cifar10_small").baseline.data)
    assert (facts.split, facts.train, facts.validation, facts.test) == ("subset10000-v1", 9_000, 1_000, 10_000)


@pytest.mark.parametrize("name", ["nmnist", "cifar10dvs", "dvsgesture", "ncaltech101", "shd", "ssc"])
def test_recordings_are_shown_with_splits_archives_and_the_manual_way(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(name, str(tmp_path)) == 0
    shown, entry = capsys.readouterr().out, data.entry(name)
    assert entry.source in shown and entry.recordings is not None
    assert all(f"split {split}" in shown and facts.rule in shown for split, facts in entry.splits.items())
    assert all(f"{each.name:<24} md5 {each.md5}" in shown for each in entry.recordings.archives)
    assert f"{tmp_path / entry.recordings.folder}/" in shown and f"from {entry.recordings.page} so that" in shown
    assert ("split random:<seed>" in shown) == (name == "cifar10dvs")


def test_recordings_that_lie_here_are_counted_without_torch(tmp_path: Path) -> None:
    for part, count in (("Train", 20), ("Test", 3)):
        (tmp_path / "NMNIST" / part / "7").mkdir(parents=True)
        for number in range(count):
            (tmp_path / "NMNIST" / part / "7" / f"{number:05d}.bin").touch()
    code = (
        "import sys; from ablate.commands import data; "
        f"data.main('nmnist', {str(tmp_path)!r}); print('torch' in sys.modules or 'tonic' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "here: split nmnist-v1: train 18, validation 2, test 3; sha256" in shown
    assert shown.endswith("False\n")
