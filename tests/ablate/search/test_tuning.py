"""Tunings: the same budget for every cell, exactly once, then the seeds with what was chosen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import dummies
import pytest
from searches import LISTS, Driver, Dying, Stopped

from ablate import sampled, work
from ablate.engines import InlineEngine
from ablate.records import RunRecord, RunSpec
from ablate.search.tuning import SEED, Tuning
from ablate.workflow import Prepared

Make = Callable[..., Driver]
TUNED: dict[str, Any] = {
    "design": "one_factor",
    "seeds": 2,
    "axes": LISTS,
    "tuning": {"trials": 5, "space": {"training.lr": {"low": 0.005, "high": 0.5, "log": True}}},
}


def done(driver: Driver) -> Counter[str]:
    return Counter((driver.directory.path / "done.log").read_text().split())


def chosen(driver: Driver) -> list[tuple[str, Any]]:
    ledger, plan = driver.look()
    tuning = Tuning(driver.study, ledger.sampled)
    return [(cell.label, tuning.of(cell).chosen) for cell in plan.cells]


def test_every_cell_gets_its_budget_and_its_seeds_the_best_values(driver: Make) -> None:
    made = driver(**TUNED)
    made.run()

    ledger, plan = made.look()
    assert Counter(run.partition("-")[0] for run in done(made)) == {cell.cell_id: 5 + 2 for cell in plan.cells}
    tuning = Tuning(made.study, ledger.sampled)
    for cell in plan.cells:
        tuned = tuning.of(cell)
        trials = tuning.trials(cell).all()
        best = max(trials, key=lambda trial: trial.value or 0.0)
        assert tuned.chosen == {"training.lr": best.params["lr"]}
        assert tuned.values == tuple(sorted((trial.value for trial in trials), reverse=True))
        for seed in (0, 1):
            record = ledger.record(cell.run_id(seed))
            assert record is not None and record.provenance["tuned"] == tuned.chosen


def test_the_first_trial_of_a_cell_is_the_baselines_own_value(driver: Make) -> None:
    made = driver(**TUNED)
    made.run()

    ledger, plan = made.look()
    tuning = Tuning(made.study, ledger.sampled)
    assert {tuning.trials(cell).all()[0].params["lr"] for cell in plan.cells} == {0.05}


def test_tuning_never_sees_test_and_has_a_seed_of_its_own(driver: Make) -> None:
    made = driver(**TUNED)
    made.run()

    ledger, plan = made.look()
    records = [ledger.record(f"{cell.cell_id}-tuning{number}") for cell in plan.cells for number in range(5)]
    assert all(record is not None and "test_accuracy" not in record.metrics for record in records)
    assert {state.seed for run, state in ledger.states().items() if "tuning" in run} == {SEED}
    assert SEED not in made.study.seeds


def test_tuned_values_are_no_part_of_the_cells_identity(driver: Make) -> None:
    untuned = driver("untuned", **{key: value for key, value in TUNED.items() if key != "tuning"})

    assert [cell.cell_id for cell in untuned.look()[1].cells] == [
        cell.cell_id for cell in driver(**TUNED).look()[1].cells
    ]


def test_a_tuning_that_dies_goes_on_to_the_same_choice_without_repeating_a_run(driver: Make) -> None:
    whole, broken = driver("whole", **TUNED), driver("broken", **TUNED)
    whole.run()
    for after in (3, 8, 7):
        with pytest.raises(Stopped):
            broken.run(Dying(after))
    broken.run()

    assert chosen(broken) == chosen(whole)
    assert set(done(broken).values()) == {1}
    assert broken.run().attempts == 0


def test_a_further_seed_runs_with_the_values_chosen_before(driver: Make) -> None:
    driver(**TUNED).run()
    more = driver(**{**TUNED, "seeds": 3})

    assert more.run().attempts == 3


@pytest.mark.parametrize(
    ("lr", "flagged"),
    [
        ({"low": 0.01, "high": 0.05, "step": 0.01}, False),  # the objective is best at 0.032
        ({"low": 0.04, "high": 0.06, "step": 0.01}, True),
        ({"low": 0.031, "high": 0.06}, True),
    ],
)
def test_a_choice_at_a_border_is_flagged(driver: Make, lr: dict[str, float], flagged: bool) -> None:
    made = driver(**{**TUNED, "tuning": {"trials": 30, "space": {"training.lr": lr}}, "seeds": 1})
    made.run()

    ledger, plan = made.look()
    described = sampled.description(made.study, plan.cells, ledger)["tuning"]["cells"]
    assert [each["border"] for each in described] == [["lr"] if flagged else []] * 3


def failing(driver: Driver, *, seeds_too: bool) -> None:
    """Run a study whose tuning cannot run, and whose seeds cannot either, if so."""

    def engine(spec: RunSpec) -> RunRecord:
        if seeds_too or spec.execution.get("purpose") == "tuning":
            return dummies.record(spec, status="failed", kind="error", reason="no data here", metrics={})
        return dummies.scored(spec)

    class Broken(InlineEngine):
        def submit(self, spec: RunSpec) -> Future[RunRecord]:
            future: Future[RunRecord] = Future()
            future.set_result(engine(spec))
            return future

    driver.run(engine=Broken("dummies:scored"))


def repeat(driver: Driver) -> int:
    with driver.open() as ledger:
        return ledger.retry_failed(work.repeatable(driver.study, work.plan(driver.study, ledger), ledger))


def test_a_tuning_that_failed_is_repeated_before_its_seeds(driver: Make) -> None:
    whole, made = driver("whole", **TUNED), driver("broken", **TUNED)
    whole.run()
    failing(made, seeds_too=True)

    assert repeat(made) == 3 * (5 + 2)
    with pytest.raises(Stopped):
        made.run(Dying(2))
    assert made.run().missing == 0

    assert [cell for cell, _ in chosen(made)] == [cell for cell, _ in chosen(whole)]
    assert set(done(made).values()) == {1}
    ledger, plan = made.look()
    tuning = Tuning(made.study, ledger.sampled)
    for cell in plan.cells:
        assert len(tuning.of(cell).values) == 5
        record = ledger.record(cell.run_id(0))
        assert record is not None and record.provenance["tuned"] == tuning.of(cell).chosen
    assert {state.status for state in ledger.states().values()} == {"complete"}
    assert made.run().attempts == 0


def test_a_tuning_on_which_seeds_rest_stays(driver: Make) -> None:
    """Otherwise some seeds of a cell would have other values than the others."""
    made = driver(**TUNED)
    failing(made, seeds_too=False)

    assert repeat(made) == 0


def test_a_space_of_fewer_points_than_trials_is_tuned_over_all_of_them(driver: Make) -> None:
    made = driver(**{**TUNED, "tuning": {"trials": 5, "space": {"training.lr": [0.05, 0.1]}}})
    made.run()

    ledger, plan = made.look()
    prepared = Prepared(made.directory, plan, ledger)
    assert prepared.total == len(prepared.states()) == 3 * (2 + 2)
