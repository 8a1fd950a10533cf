"""A study that was run offline, and a W&B server that it is synchronised with: the real client over HTTP."""

from __future__ import annotations

import copy
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import wandb
from command_line import ablate
from wandb_double import WandbDouble
from wandb_double.server import KEY
from wandb_double.store import Store

from ablate import doctor, publication, study_directory, synchronise, wandb_local, work, workflow
from ablate.commands import doctor as doctor_command
from ablate.commands import explain as explain_command
from ablate.commands import publish as publish_command
from ablate.commands import report as report_command
from ablate.errors import StudyError
from ablate.ledger import Ledger
from ablate.study_directory import StudyDirectory
from ablate.wandb_identity import identity_of
from ablate.wandb_server import connection
from ablate.workflow import Prepared
from reports.results import StudyResults
from reports.sources import wandb as source

TABLES = ("runs.csv", "curves.csv", "layers.csv", "results.json", "effects.csv", "guide.md", "guide.html")
SOURCE = "wandb:me/snn-ablation/quickstart"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs that are complete and two that diverged, as the command line leaves them."""
    folder = tmp_path_factory.mktemp("trained")
    settings = ("seeds=2", "axes={lr: [0.05, 1.0e+30]}", "baseline.training.epochs=2", "engine.name=inline",
                "baseline.model.width=2")  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # the network is too small for more
        ran = ablate("run", "quickstart", *settings, "--no-preflight", "--dir", "study", cwd=folder)
    assert ran.returncode == 1 and "2 failed" in ran.stdout, ran.stderr
    return folder / "study"


@pytest.fixture
def study(trained: Path, tmp_path: Path) -> Path:
    """The study, moved to another place."""
    return shutil.copytree(trained, tmp_path / "moved")


@pytest.fixture(scope="module")
def session() -> Iterator[WandbDouble]:
    """One server and one W&B session for the module: the client reads its environment once."""
    wandb.teardown()
    with WandbDouble() as double, pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            patch.delenv(name)
        for name, value in double.environment().items():
            patch.setenv(name, value)
        connection.cache_clear()
        yield double
        wandb.teardown()
    connection.cache_clear()


@pytest.fixture
def double(session: WandbDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbDouble]:
    """The server, empty; what it could not answer fails the test."""
    session.operations.store = session.store = Store()
    session.dies_when = lambda request: False
    for kept in (session.requests, session.bodies, session.problems):
        kept.clear()
    monkeypatch.chdir(tmp_path)
    yield session
    if not session.alive:
        session.start()
    assert session.problems == []


@pytest.fixture(scope="module")
def snapshot(
    trained: Path, session: WandbDouble, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Store, bytes]:
    """The study after one synchronisation, the server's memory of it, and all that was sent."""
    study = shutil.copytree(trained, tmp_path_factory.mktemp("uploaded") / "study")
    session.operations.store = session.store = Store()
    session.bodies.clear()
    _sync(study)
    return study, session.store, b"".join(session.bodies)


@pytest.fixture
def uploaded(snapshot: tuple[Path, Store, bytes], study: Path, double: WandbDouble) -> WandbDouble:
    """The server as it is after that; `study` too."""
    shutil.rmtree(study)
    shutil.copytree(snapshot[0], study)
    double.operations.store = double.store = copy.deepcopy(snapshot[1])
    return double


def _prepared(study: Path) -> Prepared:
    return workflow.prepare_existing(str(study))


def _sync(study: Path) -> synchronise.Synchronised:
    return synchronise.synchronise(_prepared(study), lambda line: None)


def _same(study: Path, out: Path) -> list[str]:
    return [name for name in TABLES if (study / "report" / name).read_bytes() != (out / name).read_bytes()]


def _uploading(study: Path) -> list[int]:
    """The services of W&B that `wandb sync` of this study has started and that still run; not this process's own."""
    named = psutil.process_iter(["pid", "ppid", "name", "environ"])
    services = [each.info for each in named if "wandb-core" in each.info["name"] and each.info["ppid"] != os.getpid()]
    data = str(study.resolve() / "wandb" / "data")
    return [each["pid"] for each in services if (each["environ"] or {}).get("WANDB_DATA_DIR") == data]


# First, since a client whose server died in another test may still be sending to this port.
def test_doctor_mends_wandb_directories_from_the_ledger(study: Path, double: WandbDouble) -> None:
    complete = [each for each in wandb_local.directories(study) if wandb_local.summary(each)["status"] == "complete"]
    first, second = complete
    shutil.rmtree(first.path)
    second.file.write_bytes(second.file.read_bytes()[:400])
    found = [each.what for each in doctor.examine(_prepared(study))]
    assert len(found) == 2 and "has no W&B directory" in found[0] + found[1]
    assert doctor_command.main(str(study), None, fix=True) == 0
    assert len(wandb_local.directories(study)) == 4
    assert double.requests == [], "an offline study is mended offline"
    _sync(study)
    assert report_command.main([], None, SOURCE, "rebuilt") == 0
    assert _same(study, Path("rebuilt")) == []


def test_what_is_offline_is_uploaded_once(study: Path, double: WandbDouble, tmp_path: Path) -> None:
    done = _sync(study)
    assert (done.uploaded, done.mended, done.guide, done.place) == (4, 0, True, "me/snn-ablation")
    runs = double.store.jobs("train")
    assert sorted(run.summary["status"] for run in runs) == ["complete", "complete", "failed", "failed"]
    assert {run.state for run in runs} == {"finished", "failed"}
    assert len(double.store.jobs("guide")) == 1 and synchronise.waiting(_prepared(study)) == []
    before = len(double.uploads())
    again = _sync(study)
    assert (again.uploaded, again.mended, again.guide) == (0, 0, False)
    assert len(double.uploads()) == before and "Run" not in double.requests, "runs are asked for together"
    assert [path.name for path in tmp_path.iterdir()] == ["moved"], "nothing is written outside of the study"


def test_what_a_person_exports_for_other_wandb_clients_is_heeded_where_it_can_be(
    study: Path, double: WandbDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_ENTITY", "team")
    monkeypatch.setenv("WANDB_MODE", "offline")  # habitual on clusters; to synchronise is to go online
    done = ablate("sync", str(study), cwd=study.parent)
    assert done.returncode == 0 and "team/snn-ablation: 4 uploaded, guide logged" in done.stdout, done.stderr
    assert {run.entity for run in double.store.runs.values()} == {"team"}
    assert "everything is there already" in ablate("sync", str(study), cwd=study.parent).stdout


def test_what_killed_writers_left_is_uploaded_as_far_as_it_goes(study: Path, double: WandbDouble) -> None:
    first, second, *_ = wandb_local.directories(study)
    os.truncate(first.file, first.file.stat().st_size - 20)
    with second.file.open("ab") as file:
        file.write(bytes(4096))  # what a power failure leaves
    nothing = second.path.with_name(f"offline-run-20260101_000000-{second.wandb_id}")
    nothing.mkdir()
    (nothing / second.file.name).touch()

    done = _sync(study)

    assert (done.uploaded, done.guide, synchronise.waiting(_prepared(study))) == (5, True, [])
    assert report_command.main([], None, SOURCE, "rebuilt") == 0
    assert _same(study, Path("rebuilt")) == []


def test_what_a_run_that_is_under_way_writes_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of a tuning too, and one that begins while it is looked who runs: to upload is to close the file."""
    prepared = workflow.prepare("digits_tuned", ["tracking.tuning=true"], directory=str(tmp_path))
    study_directory.save(prepared.directory)

    def begin(run_id: str) -> None:
        named = identity_of(prepared.directory.uid, prepared.directory.branch, run_id)
        folder = tmp_path / "wandb" / f"offline-run-20260101_000000-{named}"
        folder.mkdir(parents=True)
        (folder / f"run-{named}.wandb").touch()

    with workflow.open_ledger(prepared) as ledger:
        source = work.work(prepared.study, prepared.plan, ledger).source
        assert source is not None
        first, second = source.more(), source.more()
        assert first is not None and second is not None
        ledger.sync([first, second])
        ledger.claim(first.run_id)
        begin(first.run_id)
        assert synchronise.waiting(prepared) == []

        def late(directory: StudyDirectory) -> Ledger:
            seen = read(directory)
            ledger.claim(second.run_id)
            begin(second.run_id)
            return seen

        read = workflow.read_ledger
        monkeypatch.setattr(workflow, "read_ledger", late)
        assert synchronise.waiting(prepared) == []


def test_the_report_comes_back_from_wandb_alone(study: Path, uploaded: WandbDouble) -> None:
    """Byte for byte: tables, results and guides; not even the study directory is needed."""
    assert report_command.main([], None, SOURCE, "rebuilt") == 0
    assert _same(study, Path("rebuilt")) == [] and "Run" not in uploaded.requests
    rebuilt = StudyResults.read("rebuilt")
    assert len(rebuilt.curves) and len(rebuilt.layers) and len(rebuilt.correct) == 2
    assert set(rebuilt.runs["status"]) == {"complete", "failed"}
    assert rebuilt.runs["test_accuracy_at_1"].notna().sum() == 2, "accuracy at early steps comes back too"


def test_a_run_that_the_server_takes_no_more_keeps_nothing_else_from_it(
    study: Path, uploaded: WandbDouble, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deleted, other = uploaded.store.jobs("train")[:2]
    del uploaded.store.runs[deleted.name]
    other.summary["status"] = "running"
    uploaded.store.jobs("guide")[0].summary["digest"] = "of an older one"
    taken = uploaded.operations._UpsertBucket

    def refuse(given: dict[str, Any]) -> Any:
        if given.get("name") == deleted.name:
            raise ValueError("was previously created and deleted; try a new run name")
        return taken(given)

    monkeypatch.setattr(uploaded.operations, "_UpsertBucket", refuse)
    with pytest.raises(StudyError, match=r"previously created and deleted; .*; 1 of the study's runs cannot") as error:
        _sync(study)
    assert "\n" not in str(error.value)
    assert other.summary["status"] in ("complete", "failed")
    assert uploaded.store.jobs("guide")[0].summary["digest"] != "of an older one"

    other.summary["status"] = "running"
    assert doctor_command.main(str(study), None, fix=True) == 1
    said = capsys.readouterr().out
    assert said.count("\nmended: ") + said.startswith("mended: ") == 1 and "1 of 2 findings are left" in said
    assert "not mended (Weights & Biases: " in said and other.summary["status"] in ("complete", "failed")
    uploaded.problems.clear()
    wandb.teardown()  # W&B's service takes the id that was refused for one in use, for as long as it lives


def test_a_complete_run_that_was_deleted_on_the_server_is_missing_in_the_report_from_there(
    uploaded: WandbDouble,
) -> None:
    gone = next(run for run in uploaded.store.jobs("train") if run.summary["status"] == "complete")
    del uploaded.store.runs[gone.name]
    assert report_command.main([], None, SOURCE, "rebuilt") == 0
    runs = StudyResults.read("rebuilt").runs
    (lost,) = runs[runs["status"] == "missing"].to_dict("records")
    assert lost["wandb_run"] == gone.name and lost["reason"] == "complete in the ledger, but not in Weights & Biases"
    assert "1 complete, 2 failed and 1 missing" in Path("rebuilt/guide.md").read_text()


def test_a_row_is_explained_from_wandb_alone_as_from_the_ledger(
    study: Path, uploaded: WandbDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain_command.main(["lr=1e+30"], None, SOURCE) == 0
    elsewhere = capsys.readouterr().out
    assert explain_command.main([str(study), "lr=1e+30"], None) == 0
    assert elsewhere == capsys.readouterr().out and "diverged, counts at chance" in elsewhere


def test_the_report_names_each_run_in_wandb_and_where_it_is(
    study: Path, double: WandbDouble, session: WandbDouble
) -> None:
    workflow.report(_prepared(study))
    before = StudyResults.read(study / "report")
    assert before.study["tracking"] == {"project": "snn-ablation"}, "an offline study is nowhere yet"
    _sync(study)
    after = StudyResults.read(study / "report")
    assert after.study["tracking"] == {"url": session.url, "entity": "me", "project": "snn-ablation"}
    assert set(after.runs["wandb_run"]) == {run.name for run in double.store.jobs("train")}
    assert before.runs.equals(after.runs)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("me/snn-ablation/quickstart", "is needed"),
        ("wandb:me/snn-ablation", "is needed"),
        ("wandb:me/snn-ablation/quickstrat", "there: quickstart@main"),
        ("wandb:me/snn-ablation/quickstart@other", "no such study"),
    ],
)
def test_a_wrong_source_is_one_line(uploaded: WandbDouble, wrong: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as error:
        source.read(wrong)
    assert "\n" not in str(error.value)


def test_the_guide_is_one_run_with_tables_and_artifacts(uploaded: WandbDouble, study: Path) -> None:
    (guide,) = uploaded.store.jobs("guide")
    tables = {name.split("/")[-1].split("_")[0] for name in guide.files if name.startswith("media/table/")}
    assert {"runs", "effects-lr", "overview"} <= tables
    artifacts = {each["type"]: each for each in uploaded.store.artifacts.values() if each["run"] == guide.name}
    assert {"study", "guide", "checkpoints"} <= set(artifacts)
    assert {each["state"] for each in artifacts.values()} == {"COMMITTED"}
    assert b"name: quickstart" in artifacts["study"]["files"]["study.yaml"]
    best = [name for name in artifacts["checkpoints"]["files"] if name.endswith(".ckpt")]
    assert len(best) == 1, "one for each cell that has a complete run"


def test_neither_key_nor_host_is_sent(snapshot: tuple[Path, Store, bytes]) -> None:
    sent = snapshot[2]
    assert sent and KEY.encode() not in sent
    assert f'"{socket.gethostname()}\\"'.encode() not in sent


def test_a_server_that_dies_leaves_the_rest_for_later(study: Path, double: WandbDouble) -> None:
    journal = (study / "journal.log").read_bytes()
    double.dies_when = lambda request: request == "UpsertBucket" and len(double.store.runs) == 2
    with pytest.raises(StudyError, match=r"does not answer .* of 4 W&B directories uploaded, \d left") as error:
        _sync(study)
    assert "\n" not in str(error.value) and "ablate sync" in str(error.value)
    assert (study / "journal.log").read_bytes() == journal
    assert _uploading(study) == [], "it would overwrite what the next synchronisation puts there"
    double.dies_when = lambda request: False
    double.start()
    assert _sync(study).guide
    said = {run.name: run.summary.get("status") for run in double.store.jobs("train")}
    assert sorted(map(str, said.values())) == 2 * ["complete"] + 2 * ["failed"], (said, double.requests)
    assert synchronise.waiting(_prepared(study)) == []


def test_without_a_server_it_says_how_much_waits(study: Path, double: WandbDouble) -> None:
    double.stop()
    with pytest.raises(StudyError, match=r"does not answer .*; 4 W&B directories left to upload") as error:
        _sync(study)
    assert "\n" not in str(error.value)


def test_doctor_mends_what_the_server_says_otherwise(
    uploaded: WandbDouble, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor_command.main(str(study), None, fix=False) == 0
    wrong, gone = uploaded.store.jobs("train")[:2]
    wrong.summary["test_accuracy"], wrong.summary["status"] = 0.99, "running"
    del uploaded.store.runs[gone.name]
    capsys.readouterr()
    assert doctor_command.main(str(study), None, fix=False) == 1
    found = capsys.readouterr().out
    assert "is not on the server" in found and "the ledger says" in found and "2 findings" in found
    assert doctor_command.main(str(study), None, fix=True) == 0
    assert report_command.main([], None, SOURCE, "rebuilt") == 0
    assert _same(study, Path("rebuilt")) == []


def test_doctor_sets_aside_what_belongs_to_no_run(study: Path, double: WandbDouble) -> None:
    (study / "runs" / "foreign-0").mkdir()
    (study / "runs" / "foreign-0" / "note").write_text("kept")
    shutil.copytree(wandb_local.directories(study)[0].path, study / "wandb" / "offline-run-20260101_000000-foreign")
    (study / "wandb" / "offline-run-20260101_000000-foreign" / "run-foreign.wandb").write_bytes(b"")
    assert doctor_command.main(str(study), None, fix=False) == 1
    assert doctor_command.main(str(study), None, fix=True) == 0
    assert (study / "orphans" / "foreign-0" / "note").read_text() == "kept"
    (study / "runs" / "foreign-0").mkdir()
    assert doctor_command.main(str(study), None, fix=True) == 0
    assert (study / "orphans" / "foreign-0 (2)").is_dir()


def test_doctor_leaves_the_runs_of_a_lost_ledger_where_the_next_run_finds_them(
    study: Path, double: WandbDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    (study / "journal.log").unlink()
    assert doctor_command.main(str(study), None, fix=False) == 1
    assert capsys.readouterr().out.endswith("\n4 findings\n"), "nothing that --fix could mend"
    shutil.copytree(next((study / "runs").iterdir()), study / "runs" / "foreign-0")
    before = sorted(path.name for path in (*(study / "runs").iterdir(), *(study / "wandb").iterdir()))
    assert doctor_command.main(str(study), None, fix=True) == 1
    said = capsys.readouterr().out
    assert said.count("the next ablate run books it") == 4 and "mended: runs/foreign-0" in said
    left = sorted(path.name for path in (*(study / "runs").iterdir(), *(study / "wandb").iterdir()))
    assert left == [name for name in before if name != "foreign-0"]


def test_doctor_takes_over_a_stale_lock_and_names_a_lost_record(
    study: Path, double: WandbDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    (stale,) = study.glob("lock.*")
    owner = {"host": socket.gethostname(), "pid": 4_000_000, "process": "gone", "lease": 120.0}
    stale.write_text(json.dumps(owner))
    next((study / "runs").glob("*/checkpoints")).with_name("record.json").unlink()
    assert doctor_command.main(str(study), None, fix=True) == 1
    said = capsys.readouterr().out
    assert "mended: the lock of a process that is gone" in said
    assert "record.json is gone" in said and "1 of 2 findings are left" in said


def test_publishing_twice_updates_workspace_and_report_in_place(study: Path, uploaded: WandbDouble) -> None:
    assert publish_command.main(str(study), None) == 0
    first = {view_id: view["type"] for view_id, view in uploaded.store.views.items()}
    assert sorted(first.values()) == ["project-view", "runs"]
    remembered = (study / publication.MEMORY).read_text()
    assert publish_command.main(str(study), None) == 0
    assert {view_id: view["type"] for view_id, view in uploaded.store.views.items()} == first
    assert (study / publication.MEMORY).read_text() == remembered
    specs = [view["spec"] for view in uploaded.store.views.values()]
    kinds = ("Bar Chart", "Scatter Plot", "Run History Line Plot", "Parallel Coordinates Plot", "stddev")
    assert all(kind in spec for kind in kinds for spec in specs)
    uploaded.store.views.clear()
    assert publish_command.main(str(study), None) == 0, "deleted by somebody: made again"
    assert len(uploaded.store.views) == 2
