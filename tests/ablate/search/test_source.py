"""Searches end to end: every sampler draws a whole search, also when it is killed, with workers, within limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from dummies import Recorder
from optuna.trial import FrozenTrial, TrialState
from searches import LISTS, RANGES, Driver, Dying, Stopped

from ablate import work
from ablate.engines import ProcessEngine
from ablate.records import RunRecord, RunSpec

Make = Callable[..., Driver]
SAMPLERS = ["tpe", "gp", "cmaes", "nsga2", "random", "qmc"]


def fields(sampler: str, trials: int | None = None, **search: Any) -> dict[str, Any]:
    """A search; a Gaussian process takes a second a draw, so it gets fewer of them."""
    trials = trials or (5 if sampler == "gp" else 10)
    axes = RANGES if sampler == "cmaes" else {**LISTS, **RANGES}
    return {"search": {"trials": trials, "sampler": sampler, **search}, "axes": axes}


def trials_of(driver: Driver) -> list[FrozenTrial]:
    return driver.look()[0].sampled("search").all()


def done(driver: Driver) -> Counter[str]:
    log = driver.directory.path / "done.log"
    return Counter(log.read_text().split()) if log.exists() else Counter()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_that_dies_goes_on_as_if_it_had_not(driver: Make, sampler: str) -> None:
    whole, broken = driver("whole", **fields(sampler)), driver("broken", **fields(sampler))
    whole.run()
    for after in (2, 3):
        with pytest.raises(Stopped):
            broken.run(Dying(after))
    broken.run()

    assert [trial.params for trial in trials_of(broken)] == [trial.params for trial in trials_of(whole)]
    assert [trial.values for trial in trials_of(broken)] == [trial.values for trial in trials_of(whole)]
    assert set(done(broken).values()) == {1}
    assert broken.run().attempts == 0


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_search_spends_its_budget_on_different_cells_the_baseline_first(driver: Make, sampler: str) -> None:
    made = driver(**fields(sampler))
    made.run()

    plan = made.look()[1]
    assert len(plan.cells) == made.study.fields.search.trials  # type: ignore[union-attr]
    assert plan.cells[0].label == "baseline"
    assert all(1 <= cell.config["model"]["timesteps"] <= 16 for cell in plan.cells)
    states = {trial.state for trial in trials_of(made)}
    assert states <= {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_parallel_workers_share_a_search_without_a_cell_twice(driver: Make, sampler: str) -> None:
    made = driver(**fields(sampler))

    assert made.run(engine=ProcessEngine("dummies:scored", workers=3)).missing == 0
    assert len(done(made)) == 10
    assert set(done(made).values()) == {1}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random", "qmc"])
def test_a_cell_above_the_limit_of_parameters_is_never_trained(driver: Make, sampler: str) -> None:
    limit = {"parameters": {"max": 600}}
    given = fields(sampler, 8, constraints=limit)
    given["axes"] = {**given["axes"], "width": {"low": 2, "high": 12}}
    made = driver(**given)
    made.run()

    plan = made.look()[1]
    assert len(plan.cells) == 8
    assert all(cell.config["model"]["width"] <= 6 for cell in plan.cells)
    assert plan.excluded and all(each.reason.endswith("above the limit of 600") for each in plan.excluded)
    assert not {each.cell.cell_id for each in plan.excluded} & {run.partition("-")[0] for run in done(made)}


def test_a_limit_that_only_training_tells_is_a_constraint_of_the_trial(driver: Make) -> None:
    made = driver(**fields("tpe", 8, constraints={"energy_nj": {"max": 200}}))
    made.run()

    complete = [trial for trial in trials_of(made) if trial.state is TrialState.COMPLETE]
    assert complete
    for trial in complete:
        assert trial.constraints == {"energy_nj": 40.0 * trial.params["timesteps"] - 200}


def test_several_objectives_are_values_of_the_trial(driver: Make) -> None:
    objective = [{"metric": "val_accuracy"}, {"metric": "energy_nj"}]
    made = driver(**fields("nsga2", 12), objective=objective)
    made.run()

    complete = [trial for trial in trials_of(made) if trial.state is TrialState.COMPLETE]
    assert all(trial.values[1] == 40.0 * trial.params["timesteps"] for trial in complete)


def test_excluded_combinations_are_recorded_and_never_trained(driver: Make) -> None:
    rule = {"when": {"residual": ["plain", "sew_add"]}, "because": "not these"}
    made = driver(**fields("random", 6), exclude=[rule])
    made.run()

    plan = made.look()[1]
    assert {cell.levels["residual"] for cell in plan.cells} == {"sresnet"}
    assert len(plan.cells) == 6
    assert {each.reason for each in plan.excluded} == {"not these"}


def test_a_space_that_is_used_up_ends_the_search(driver: Make) -> None:
    made = driver(search={"trials": 30}, axes=LISTS)

    assert made.run().complete == 3
    assert made.look()[1].used_up
    assert made.run().attempts == 0


def test_diverging_tells_the_sampler_to_keep_away(driver: Make) -> None:
    made = driver(search={"trials": 4, "sampler": "random"}, axes={"lr": [0.05, 0.95, 0.1, 0.2]})
    made.run()

    states = {trial.params["lr"]: trial.state for trial in trials_of(made)}
    assert states["0.95"] is TrialState.PRUNED
    assert states["0.1"] is TrialState.COMPLETE


def test_a_cell_that_loses_a_seed_ends_without_the_seeds_behind_it(driver: Make) -> None:
    made = driver(search={"trials": 2, "sampler": "random"}, axes={"lr": [0.05, 0.95]}, seeds=3)

    assert made.run().attempts == 3 + 1
    assert [trial.state for trial in trials_of(made)] == [TrialState.COMPLETE, TrialState.PRUNED]
    assert len(made.look()[1].dropped) == 3


def test_a_larger_budget_adds_to_a_finished_search(driver: Make) -> None:
    driver(**fields("tpe", 5)).run()
    more = driver(**fields("tpe", 9))

    assert more.run().attempts == 4


def test_seeds_of_a_trial_are_averaged(driver: Make) -> None:
    made = driver(**fields("random", 3), seeds=3)
    made.run()

    first = trials_of(made)[0]
    values = list(first.intermediate_values.values())
    assert len(values) == 3
    assert first.value == pytest.approx(sum(values) / 3)


def test_wilcoxon_stops_a_cell_between_its_seeds(driver: Make) -> None:
    search = {"trials": 5, "sampler": "random", "pruner": "wilcoxon"}
    made = driver(search=search, axes={"lr": [0.05, 0.001, 0.002, 0.003, 0.8]}, seeds=7)
    made.run()

    pruned = [trial for trial in trials_of(made) if trial.state is TrialState.PRUNED]
    assert pruned
    assert all(trial.user_attrs["reason"].startswith("stopped after ") for trial in pruned)
    assert all(len(trial.intermediate_values) < 7 for trial in pruned)
    plan = made.look()[1]
    assert set(plan.dropped) >= {plan.cells[trial.number].run_id(6) for trial in pruned}


def test_repeating_failed_runs_reopens_their_trial(driver: Make) -> None:
    class Failing(Recorder):
        def on_start(self, spec: RunSpec) -> None:
            self.failed = spec

    made = driver(search={"trials": 2, "sampler": "random"}, axes={"lr": [0.05, 0.1]})
    with made.open() as ledger:
        todo = work.work(made.study, work.plan(made.study, ledger), ledger)
        assert todo.source is not None
        run = todo.source.more()
        assert run is not None
        ledger.sync([run])
        attempt = ledger.claim(run.run_id)
        lost = RunRecord(run.run_id, 0, attempt.token, "failed", reason="out of luck", kind="error")
        todo.source.ended(run, ledger.finish(attempt, lost))
        ledger.retry_failed([run])
    made.run()

    assert [trial.state for trial in trials_of(made)].count(TrialState.COMPLETE) == 2
    assert trials_of(made)[0].state is TrialState.FAIL


def test_repeating_runs_that_diverged_runs_them_again(driver: Make) -> None:
    made = driver(search={"trials": 2, "sampler": "random"}, axes={"lr": [0.05, 0.95]}, seeds=2)
    made.run()
    with made.open() as ledger:
        assert ledger.retry_failed(work.bookable(made.study, work.plan(made.study, ledger))) == 1

    summary = made.run()

    assert (summary.attempts, summary.missing) == (1, 0)
    ledger, plan = made.look()
    lost = next(cell for cell in plan.cells if cell.varied)
    state = ledger.state(lost.run_id(0))
    assert (state.status, state.kind, state.attempts) == ("failed", "diverged", 2)
    assert set(plan.dropped) == {lost.run_id(0), lost.run_id(1)}
    assert made.run().attempts == 0
