from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from dummies import DummyCell, DummyRun, plan
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState

from ablate import generations
from ablate.attempts import Attempt
from ablate.errors import StudyError
from ablate.ledger import Ledger, StaleResultError
from ablate.lock import StudyLockedError
from ablate.records import RunRecord

Opener = Callable[..., Ledger]


def record(attempt: Attempt, **changes: object) -> RunRecord:
    given = {"status": "complete", "metrics": {"val_accuracy": 0.5}} | changes
    return RunRecord(attempt.run_id, attempt.attempt, attempt.token, **given)  # type: ignore[arg-type]


def crashed(attempt: Attempt) -> RunRecord:
    return record(attempt, status="failed", kind="crash", reason="killed", metrics={})


def statuses(ledger: Ledger) -> dict[str, str]:
    return {run_id: state.status for run_id, state in ledger.states().items()}


def choices(distributions: Mapping[str, BaseDistribution], axis: str = "depth") -> tuple[object, ...]:
    found = distributions[axis]
    assert isinstance(found, CategoricalDistribution)
    return tuple(found.choices)


def optuna_study(study: Path, url: str | None) -> optuna.Study:
    """As optuna-dashboard would find it."""
    from optuna.storages.journal import JournalFileBackend

    storage = url or optuna.storages.JournalStorage(JournalFileBackend(str(study / "journal.log")))
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def test_a_run_goes_from_missing_over_running_to_complete(opened: Opener, url: str | None) -> None:
    with opened(url=url) as ledger:
        assert ledger.sync(plan(1, 1)) == 1
        assert statuses(ledger) == {"c0-0": "missing"}
        attempt = ledger.claim("c0-0")
        assert statuses(ledger) == {"c0-0": "running"}
        ledger.finish(attempt, record(attempt))
    with opened(url=url) as ledger:
        state = ledger.states()["c0-0"]
        assert (state.status, state.attempts, state.cell, state.seed) == ("complete", 1, "depth=0", 0)
        assert ledger.record("c0-0") == record(attempt)


def test_planning_again_adds_only_what_is_new(opened: Opener, url: str | None) -> None:
    with opened(url=url) as ledger:
        assert [ledger.sync(plan(2, 2)), ledger.sync(plan(2, 2)), ledger.sync(plan(2, 3))] == [4, 0, 2]


def test_an_attempt_is_a_trial_with_levels_as_parameters_and_the_objective_as_value(
    opened: Opener, study: Path, url: str | None
) -> None:
    with opened(url=url) as ledger:
        ledger.sync(plan(2, 1))
        attempt = ledger.claim("c1-0")
        ledger.finish(attempt, record(attempt, provenance={"commit": "abc"}))
    trial = optuna_study(study, url).get_trials()[1]
    assert (trial.params, trial.value, trial.state) == ({"depth": "1"}, 0.5, TrialState.COMPLETE)
    wanted = {"run_id": "c1-0", "cell_id": "c1", "cell": "depth=1", "seed": 0, "branch": "main", "attempt": 0}
    assert wanted.items() <= trial.user_attrs.items()


def test_an_axis_gains_a_level_and_a_new_axis_joins(opened: Opener, study: Path, url: str | None) -> None:
    """Everything booked stays as it was, and every trial of an axis has the same choices, as Optuna's tools expect."""
    with opened(url=url) as ledger:
        ledger.sync(plan(2, 1))
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, record(attempt))
        before = optuna_study(study, url).get_trials()
        ledger.sync([*plan(3, 1), DummyRun("x-0", DummyCell("x", "x", {"depth": "9", "width": "4"}), 0)])
        assert statuses(ledger) == {"c0-0": "complete", "c1-0": "missing", "c2-0": "missing", "x-0": "missing"}
        waiting = ledger.claim("c2-0")
        ledger.finish(waiting, record(waiting))
    found = optuna_study(study, url)
    assert {choices(trial.distributions) for trial in found.trials} == {("0", "1", "2", "9")}
    for old, new in zip(before, found.trials, strict=False):
        assert (old.number, old.state, old.values, old.params) == (new.number, new.state, new.values, new.params)
        assert (old.user_attrs, old.datetime_complete) == (new.user_attrs, new.datetime_complete)
    assert found.trials[3].params == {"depth": "9", "width": "4"}


def test_growth_interrupted_at_any_step_leaves_the_study_whole(
    opened: Opener, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is cut behind every record that the growth writes, as if the process had been killed there."""
    with opened() as ledger:
        ledger.sync(plan(2, 2))
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, record(attempt))
        start = len((study / "journal.log").read_bytes())
        ledger.sync(plan(3, 2))
    lines = (study / "journal.log").read_bytes()
    ends = [at + 1 for at in range(start, len(lines)) if lines[at : at + 1] == b"\n"]
    for end in ends:
        (study / "journal.log").write_bytes(lines[:end])
        with opened() as ledger:
            ledger.sync(plan(3, 2))
            assert sorted(statuses(ledger).values()) == ["complete"] + ["missing"] * 5
        assert len(optuna_study(study, None).trials) == 6


def test_a_failed_run_is_tried_again_on_request_as_a_new_trial(opened: Opener) -> None:
    (run,) = plan(1, 1)
    with opened() as ledger:
        ledger.sync([run])
        first = ledger.claim("c0-0")
        ledger.finish(first, record(first, status="failed", kind="error", reason="ValueError: no", metrics={}))
        state = ledger.states()["c0-0"]
        assert (state.status, state.reason, state.kind) == ("failed", "ValueError: no", "error")
        assert ledger.sync([run]) == 0
        assert ledger.retry_failed([run]) == 1
        assert ledger.retry_failed([run]) == 0
        second = ledger.claim("c0-0")
        assert (second.attempt, second.trial) == (1, 1)
        ledger.finish(second, record(second))
        assert (ledger.states()["c0-0"].status, ledger.states()["c0-0"].attempts) == ("complete", 2)
        with pytest.raises(ValueError, match="has not failed, it is complete"):
            ledger.retry(run)


def test_only_a_waiting_run_is_claimed(opened: Opener) -> None:
    with opened() as ledger:
        ledger.sync(plan(1, 1))
        ledger.claim("c0-0")
        with pytest.raises(ValueError, match="does not wait, it is running"):
            ledger.claim("c0-0")


def test_a_late_result_under_an_old_token_is_refused(opened: Opener, url: str | None) -> None:
    with opened(url=url) as ledger:
        ledger.sync(plan(1, 1))
        old = ledger.claim("c0-0")
        ledger.release()
        with pytest.raises(StaleResultError, match="late result"):
            ledger.finish(old, record(old))
        new = ledger.claim("c0-0")
        with pytest.raises(StaleResultError, match="late result"):
            ledger.finish(old, record(old))
        for attempt, given in ((new, record(old)), (old, record(new))):
            with pytest.raises(StaleResultError):
                ledger.finish(attempt, given)
        ledger.finish(new, record(new))
        with pytest.raises(StaleResultError):
            ledger.finish(new, record(new))
        assert ledger.record("c0-0") == record(new)


def test_what_a_dead_coordinator_left_running_is_missing_and_was_interrupted(opened: Opener, looked: Opener) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        ledger.claim("c0-0")
        assert looked().states()["c0-0"].status == "running"
    assert looked().states()["c0-0"].status == "missing"
    assert looked().states()["c0-0"].reason == "interrupted"
    with opened() as ledger:
        assert (ledger.interrupted, ledger.adopted) == (1, 0)
        assert ledger.claim("c0-0").attempt == 0


def test_a_record_that_was_written_but_not_booked_is_adopted(opened: Opener, study: Path) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        ours, other = ledger.claim("c0-0"), ledger.claim("c1-0")
        for attempt, token in ((ours, ours.token), (other, "of an earlier claim")):
            file = study / "runs" / attempt.run_id / "record.json"
            file.parent.mkdir(parents=True)
            file.write_text(replace(record(attempt), token=token).to_json())
    with opened() as ledger:
        assert (ledger.adopted, ledger.interrupted) == (1, 1)
        assert statuses(ledger) == {"c0-0": "complete", "c1-0": "missing"}
        assert ledger.record("c0-0") == record(ours)


def test_ended_runs_are_booked_again_when_the_journal_is_lost(opened: Opener, study: Path) -> None:
    """Complete and failed for good: as they were. Crashed, or of another run: to be run."""
    outcomes = {
        "c0-0": {},
        "c1-0": {"status": "failed", "kind": "diverged", "reason": "diverged", "metrics": {}},
        "c2-0": {"status": "failed", "kind": "crash", "reason": "killed", "metrics": {}},
    }
    with opened() as ledger:
        ledger.sync(plan(4, 1))
        for run_id, changes in outcomes.items():
            attempt = ledger.claim(run_id)
            ledger.finish(attempt, record(attempt, **changes))
        complete = ledger.record("c0-0")
    shutil.copytree(study / "runs" / "c0-0", study / "runs" / "c3-0")
    before = {path: path.stat().st_mtime_ns for path in study.glob("runs/*/record.json")}
    (study / "journal.log").write_text("")

    with opened() as ledger:
        ledger.sync(plan(4, 1))

        assert ledger.restored == 2
        assert statuses(ledger) == {"c0-0": "complete", "c1-0": "failed", "c2-0": "missing", "c3-0": "missing"}
        assert ledger.record("c0-0") == complete
        assert ledger.retry_failed(plan(4, 1)) == 1
        ledger.sync(plan(4, 1))
        assert statuses(ledger)["c1-0"] == "missing"
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_record_file_with_a_status_that_no_run_ends_with_counts_as_not_there(opened: Opener, study: Path) -> None:
    with opened() as ledger:
        ledger.sync(plan(1, 1))
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, record(attempt))
    file = study / "runs" / "c0-0" / "record.json"
    file.write_text(file.read_text().replace('"complete"', '"running"'))
    (study / "journal.log").unlink()
    with opened() as ledger:
        ledger.sync(plan(1, 1))
        assert statuses(ledger) == {"c0-0": "missing"}


def test_runs_that_ended_after_an_old_copy_of_the_journal_was_made_are_booked_again(
    opened: Opener, study: Path
) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        old = (study / "journal.log").read_bytes()
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, record(attempt))
    (study / "journal.log").write_bytes(old)
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        assert (ledger.restored, statuses(ledger)) == (1, {"c0-0": "complete", "c1-0": "missing"})


@pytest.mark.parametrize("damage", ["gone", "garbage", "altered"])
def test_metrics_survive_the_loss_of_the_record_file(opened: Opener, looked: Opener, study: Path, damage: str) -> None:
    bulky = {"curves": [[0, "val", "loss", 1.5]], "correct": "AA==", "layers": [{"layer": "a"}]}
    with opened() as ledger:
        ledger.sync(plan(1, 1))
        attempt = ledger.claim("c0-0")
        ledger.finish(attempt, record(attempt, **bulky))
        assert ledger.record("c0-0") == record(attempt, **bulky)
    file = study / "runs" / "c0-0" / "record.json"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("\0" if damage == "garbage" else file.read_text().replace("0.5", "0.9"))
    assert looked().record("c0-0") == record(attempt)


@pytest.mark.parametrize("metrics", [{}, {"val_accuracy": None}, {"val_accuracy": float("nan")}])
def test_a_complete_record_without_the_objective_is_booked_as_failed(opened: Opener, metrics: dict[str, float]) -> None:
    with opened() as ledger:
        ledger.sync(plan(1, 1))
        attempt = ledger.claim("c0-0")
        booked = ledger.finish(attempt, record(attempt, metrics={"other": 1} | metrics))
        assert (booked.status, booked.kind) == ("failed", "error")
        assert booked.reason.startswith("objective.metric: val_accuracy is ")
        assert ledger.states()["c0-0"].status == "failed"


def test_a_diverged_run_keeps_its_non_finite_numbers(opened: Opener, looked: Opener, url: str | None) -> None:
    with opened(url=url) as ledger:
        ledger.sync(plan(1, 1))
        attempt = ledger.claim("c0-0")
        failed = record(attempt, status="failed", kind="diverged", reason="nan", metrics={"val_loss": float("inf")})
        ledger.finish(attempt, failed)
    assert looked(url=url).record("c0-0") == failed


def test_pruned_runs_and_several_objectives_are_booked(opened: Opener, study: Path) -> None:
    with opened(objectives={"val_accuracy": "maximize", "energy_nj": "minimize"}) as ledger:
        ledger.sync(plan(2, 1))
        first, second = ledger.claim("c0-0"), ledger.claim("c1-0")
        ledger.finish(first, record(first, metrics={"val_accuracy": 0.5, "energy_nj": 3}))
        ledger.finish(second, record(second, status="pruned", reason="worse than the median"))
        assert statuses(ledger) == {"c0-0": "complete", "c1-0": "pruned"}
    assert optuna_study(study, None).trials[0].values == [0.5, 3.0]


def test_branches_are_kept_apart(opened: Opener) -> None:
    with opened() as ledger:
        ledger.sync(plan(1, 1))
    with opened(branch="tdbn") as ledger:
        assert ledger.states() == {}
        assert ledger.sync(plan(2, 1)) == 2
    with opened() as ledger:
        assert list(ledger.states()) == ["c0-0"]


def test_looking_needs_no_lock_and_writes_nothing(opened: Opener, looked: Opener, study: Path) -> None:
    with opened() as ledger:
        ledger.sync(plan(2, 1))
        before = {path: path.read_bytes() for path in study.rglob("*") if path.is_file()}
        reader = looked()
        assert statuses(reader) == {"c0-0": "missing", "c1-0": "missing"}
        with pytest.raises(StudyError, match="opened for reading"):
            reader.sync(plan(3, 1))
        assert {path: path.read_bytes() for path in study.rglob("*") if path.is_file()} == before
        ledger.sync(plan(3, 1))
        reader.refresh()
        assert len(reader.states()) == 3


def test_looking_at_a_study_that_never_ran_finds_nothing_and_creates_nothing(looked: Opener, study: Path) -> None:
    reader = looked()
    assert (reader.states(), reader.record("c0-0"), study.exists()) == ({}, None, False)


def test_a_second_owner_is_refused_and_the_first_goes_on(opened: Opener) -> None:
    with opened() as ledger:
        with pytest.raises(StudyLockedError):
            opened()
        assert ledger.sync(plan(1, 1)) == 1


def test_the_journal_of_another_study_is_refused(opened: Opener) -> None:
    opened().close()
    with pytest.raises(StudyError, match="its journal is of the study 'dummy-u', not of 'mine-v'"):
        opened(name="mine", uid="v")
    opened().close()


def test_choices_keep_their_order_and_grow_at_the_end() -> None:
    first, outgrown = generations.distributions([], [{"depth": "2"}, {"depth": "1"}])
    assert (choices(first), outgrown) == (("2", "1"), False)
    trial = optuna.trial.create_trial(state=TrialState.WAITING, params={"depth": "2"}, distributions=first)
    assert generations.distributions([trial], [{"depth": "1"}]) == (first, False)
    grown, outgrown = generations.distributions([trial], [{"depth": "3", "width": "8"}])
    assert (choices(grown), choices(grown, "width"), outgrown) == (("2", "1", "3"), ("8",), True)


ACTIONS = st.sampled_from(
    ["claim", "complete", "fail", "crash", "prune", "retry", "release", "reopen", "die", "late", "grow"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=st.lists(st.tuples(ACTIONS, st.integers(0, 2)), max_size=25))
def test_the_status_follows_from_the_attempts_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory, actions: list[tuple[str, int]]
) -> None:
    """Against a model of three runs: status, attempts, one open attempt at most, and complete for ever."""
    folder = tmp_path_factory.mktemp("study")

    def open_() -> Ledger:
        return Ledger.open(folder, name="dummy", uid="u", objectives={"val_accuracy": "maximize"})

    runs = plan(3, 1)
    size = 3
    ledger = open_()
    ledger.sync(runs)
    model: dict[str, tuple[str, int]] = {run.run_id: ("missing", 0) for run in runs}
    claims: dict[str, Attempt] = {}
    stale: list[Attempt] = []
    for action, which in actions:
        run = runs[which]
        status, begun = model[run.run_id]
        fresh = ledger.states()[run.run_id].reason != "interrupted"
        if action == "claim" and status == "missing":
            claims[run.run_id] = ledger.claim(run.run_id)
            model[run.run_id] = ("running", begun + fresh)
        elif action in ("complete", "fail", "crash", "prune") and status == "running":
            attempt = claims.pop(run.run_id)
            outcome = {"complete": "complete", "prune": "pruned"}.get(action, "failed")
            kind = {"fail": "error", "crash": "crash"}.get(action, "")
            ledger.finish(attempt, record(attempt, status=outcome, kind=kind))
            model[run.run_id] = (outcome, begun)
            stale.append(attempt)
        elif action == "retry" and status == "failed":
            ledger.retry(run, crashes=which)
            model[run.run_id] = ("missing", begun)
        elif action in ("release", "reopen", "die"):
            if action == "release":
                ledger.release()
            else:
                ledger.close()
                if action == "die":
                    with (folder / "journal.log").open("a") as journal:
                        journal.write('{"op_code": 6, "torn')
                ledger = open_()
            stale += claims.values()
            claims.clear()
            model = {key: ("missing" if was == "running" else was, n) for key, (was, n) in model.items()}
        elif action == "late" and stale:
            with contextlib.suppress(StaleResultError):
                ledger.finish(stale[-1], record(stale[-1]))
                raise AssertionError("a late result was accepted")
        elif action == "grow":
            size += 1
            ledger.sync(plan(size, 1))
        found = ledger.states()
        assert {key: (found[key].status, found[key].attempts) for key in model} == model
        assert sum(state.status == "missing" for state in found.values()) >= size - 3
    ledger.close()


def test_sqlite_is_closed_properly(opened: Opener, tmp_path: Path) -> None:
    """The file is a plain database after use, so that a dashboard can open it."""
    with opened(url=f"sqlite:///{tmp_path}/study.db") as ledger:
        ledger.sync(plan(1, 1))
    with contextlib.closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        assert connection.execute("select count(*) from trials").fetchone() == (1,)
