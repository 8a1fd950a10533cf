"""Study directories: created once, found again, added to, never mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate import config, study_directory, workflow
from ablate.errors import RequestError
from ablate.study_directory import StudyDirectory


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def started(*overrides: str) -> StudyDirectory:
    study = config.load("quickstart", overrides)
    directory = study_directory.settle(study_directory.place(study, directory=None), study)
    study_directory.save(directory)
    return directory


def test_settling_writes_nothing(home: Path) -> None:
    study = config.load("quickstart")

    study_directory.settle(Path("studies/quickstart"), study)

    assert list(home.iterdir()) == []


def test_a_saved_study_is_read_back_whole(home: Path) -> None:
    directory = started("seeds=2", "axes.encoding=[direct, {name: latency, form: log}]")

    again = study_directory.read(directory.path)
    assert (again.study.axes, again.study.seeds, again.uid) == (directory.study.axes, (0, 1), directory.uid)


@pytest.mark.parametrize("argument", ["quickstart", "studies/quickstart"])
def test_a_study_that_was_run_is_found_by_name_and_by_path(home: Path, argument: str) -> None:
    started()

    assert study_directory.locate(argument) == Path("studies/quickstart")


def test_a_study_that_was_never_run_is_refused_with_the_way_to_start_it(home: Path) -> None:
    with pytest.raises(RequestError, match="has not been run here; start it with: ablate run quickstart"):
        study_directory.locate("quickstart")


def test_more_seeds_and_levels_are_additions_and_keep_the_uid(home: Path) -> None:
    first = started("seeds=2", "axes.residual=[plain]")
    more = config.load("quickstart", ["seeds=3", "axes.residual=[plain, sew_add]", "data.root=/elsewhere"])

    assert study_directory.settle(first.path, more).uid == first.uid


@pytest.mark.parametrize(
    ("override", "difference"),
    [
        (
            "model.normalization=tdbn",
            "was run with baseline.model.normalization=bntt, now it is tdbn. "
            "Run it beside the old one (--branch tdbn), or into another directory (--dir).",
        ),
        ("training.lr=0.5", "baseline.training.lr=0.05, now it is 0.5"),
        ("seeds=1", "seeds=5, now it is 1"),
        ("axes.timesteps=[2]", "axes.timesteps=['2', '4', '8'], now it is ['2', '4']"),
        ("design=factorial", "design=one_factor, now it is factorial"),
        ("objective.margin=0.02", "objective"),
    ],
)
def test_anything_but_an_addition_is_refused_with_the_difference(home: Path, override: str, difference: str) -> None:
    first = started()

    with pytest.raises(RequestError) as refusal:
        study_directory.settle(first.path, config.load("quickstart", [override]))

    assert difference in str(refusal.value)


def test_a_branch_lies_beside_the_study(home: Path) -> None:
    study = config.load("quickstart")

    assert study_directory.place(study, directory=None, branch="tdbn") == Path("studies/quickstart@tdbn")


@pytest.mark.parametrize("branch", ["../../elsewhere", "a/b", "", ".hidden", "b" * 65])
def test_a_branch_that_could_leave_the_folder_is_refused(home: Path, branch: str) -> None:
    with pytest.raises(RequestError, match="not a name of a branch"):
        study_directory.place(config.load("quickstart"), directory=None, branch=branch)


@pytest.mark.parametrize("place", ["file", "file/inside", "x" * 300])
def test_a_place_where_no_folder_can_be_is_refused_before_anything_runs(home: Path, place: str) -> None:
    (home / "file").write_text("")

    with pytest.raises(RequestError, match="--dir"):
        study_directory.require_writable(Path(place))
    assert [path.name for path in home.iterdir()] == ["file"]


def test_a_directory_of_another_study_is_refused(home: Path) -> None:
    first = started()

    with pytest.raises(RequestError, match="holds the study 'quickstart', not 'other'"):
        study_directory.settle(first.path, config.load("quickstart", ["name=other"]))


def test_a_directory_with_something_else_in_it_is_refused(home: Path) -> None:
    (home / "thesis").mkdir()
    (home / "thesis" / "chapter.tex").touch()

    with pytest.raises(RequestError, match="exists and is not a study directory"):
        study_directory.settle(home / "thesis", config.load("quickstart"))


def test_a_study_file_without_its_uid_is_refused(home: Path) -> None:
    first = started()
    file = first.path / "study.yaml"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("uid")))

    with pytest.raises(RequestError, match="has no uid and branch"):
        study_directory.read(first.path)


SEARCH = ["design=search", "search={trials: 5}", "axes={timesteps: {low: 2, high: 8}}"]


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["search={trials: 4}"], "was run with search.trials=5, now it is 4"),
        (["search={trials: 5, sampler: random}"], "was run with search="),
        (["axes={timesteps: {low: 2, high: 9}}"], "was run with axes="),
        (["seeds=2"], "was run with seeds=5, now it is 2"),
    ],
)
def test_of_a_search_the_budget_alone_may_grow(home: Path, overrides: list[str], line: str) -> None:
    directory = study_directory.settle(Path("studies/s"), config.load("quickstart", SEARCH))
    study_directory.save(directory)

    study_directory.settle(directory.path, config.load("quickstart", [*SEARCH, "search={trials: 9}"]))
    with pytest.raises(RequestError) as refusal:
        study_directory.settle(directory.path, config.load("quickstart", [*SEARCH, *overrides]))
    assert line in str(refusal.value)


def test_a_changed_tuning_is_refused(home: Path) -> None:
    tuning = "tuning={trials: 4, space: {lr: {low: 0.01, high: 0.5}}}"
    directory = study_directory.settle(Path("studies/t"), config.load("quickstart", [tuning]))
    study_directory.save(directory)

    with pytest.raises(RequestError, match="was run with tuning="):
        study_directory.settle(directory.path, config.load("quickstart", [tuning.replace("4", "5", 1)]))


def test_what_a_start_left_that_was_stopped_is_no_study(home: Path) -> None:
    """A full disk, a database that does not answer, a kill: the same command begins again."""
    study, path = config.load("quickstart"), Path("studies/quickstart")
    path.mkdir(parents=True)
    (path / "lock.1").write_text("{}")
    (path / ".lock-0123").touch()
    (path / "journal.log").touch()
    study_directory.settle(path, study)

    (path / "journal.log").write_text("something\n")
    with pytest.raises(RequestError, match="exists and is not a study directory"):
        study_directory.settle(path, study)


def test_of_two_first_starts_the_second_does_not_write_over_the_first(home: Path) -> None:
    study, path = config.load("quickstart"), Path("studies/quickstart")
    slow = study_directory.settle(path, study)
    first = started()

    with pytest.raises(RequestError, match="another process began a study here meanwhile"):
        study_directory.save(slow)
    assert study_directory.read(path).uid == first.uid


@pytest.mark.parametrize("name", ["mine", "mine@other"])
def test_a_study_that_was_run_here_goes_on_by_its_name(home: Path, name: str) -> None:
    study = config.load("quickstart", ["name=mine", "seeds=2"])
    path = study_directory.place(study, directory=None, branch=name.partition("@")[2] or "main")
    study_directory.save(begun := study_directory.settle(path, study))

    again = workflow.prepare(name, ["seeds=3"])

    assert again.directory.path == path and again.directory.uid == begun.uid
    assert len(again.study.seeds) == 3


def test_a_packaged_study_is_meant_before_one_of_its_name_here(home: Path) -> None:
    started("seeds=2")

    assert len(workflow.prepare("quickstart").study.seeds) == 5


def test_a_branch_is_not_run_in_the_directory_of_another(home: Path) -> None:
    first = started("seeds=2")

    with pytest.raises(RequestError, match="holds the branch 'main', not 'other'"):
        study_directory.settle(first.path, first.study, branch="other")
