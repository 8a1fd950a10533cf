"""`ablate data`, and the packaged studies of images."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import ablate

from ablate import config, design
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
    for split, facts in entry.splits.items():
        assert f"split {split} (default): train {facts.train:,}" in shown
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


def test_the_published_setting_is_the_default_of_every_field_but_the_data() -> None:
    baseline = config.load("cifar10").baseline
    assert baseline.training == type(baseline.training)()
    assert baseline.model == type(baseline.model).model_validate({"normalization": {"name": "bntt", "bias": True}})
    assert (str(baseline.data.augment), baseline.data.batch_size) == ("standard", 21)


def test_the_small_study_takes_the_first_ten_thousand_images() -> None:
    facts = data.describe(config.load("cifar10_small").baseline.data)
    assert (facts.split, facts.train, facts.validation, facts.test) == ("subset10000-v1", 9_000, 1_000, 10_000)
