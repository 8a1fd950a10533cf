"""What the parts of a study demand of one another, each refused in one line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ablate import config
from ablate.errors import RequestError

SEARCH = ["design=search", "search={trials: 5}"]
RANGED = "axes={timesteps: {low: 2, high: 16}, lr: {low: 0.001, high: 1.0, log: true}}"


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["baseline.protocol=paper_compat", "data.batch_size=400"],
            "data.batch_size: 400 is more than the 359 test samples, and protocol paper_compat leaves out every batch",
        ),
        (
            ["baseline.protocol=paper_compat", "axes={batch_size: [32, 2000]}"],
            "data.batch_size: 2,000 is more than the 1,078 training samples",
        ),
        (["design=search"], "search: is needed and missing; for instance search: {trials: 60}"),
        (["search={trials: 5}"], "search: belongs to design: search, not to one_factor"),
        (["design=serch"], "design: 'serch' is not accepted; did you mean 'search'? one of"),
        (["axes={timesteps: {low: 2, high: 16}}"], "axes.timesteps: a range is for design: search; one_factor needs"),
        (
            [*SEARCH, "axes={timesteps: {low: 5, high: 16}}"],
            "axes.timesteps: the baseline's 4 is not in the range 5..16",
        ),
        ([*SEARCH, "axes={residual: {low: 5, high: 16}}"], "axes.residual: a range is of numbers, and the baseline's"),
        ([*SEARCH, "axes={timesteps: {low: 0, high: 16}}"], "axes.timesteps: 0 is too small"),
        (
            ["design=search", "search={trials: 5, sampler: tpee}"],
            "search.sampler: 'tpee' is not accepted; did you mean",
        ),
        (
            ["design=search", "search={trials: 5, pruner: medium}"],
            "search.pruner: 'medium' is not accepted; did you mean",
        ),
        (
            ["design=search", "search={trials: 5, sampler: cmaes}"],
            "search.sampler: 'cmaes' samples ranges alone, and resi",
        ),
        (
            ["design=search", "search={trials: 5, sampler: cmaes}", "axes={timesteps: {low: 2, high: 16}}"],
            "search.sampler: 'cmaes' needs at least two axes",
        ),
        (
            ["design=search", "search={trials: 5, sampler: cmaes, constraints: {energy_nj: {max: 3}}}", RANGED],
            "search.sampler: 'cmaes' does not heed constraints",
        ),
        (
            ["design=search", "search={trials: 5, constraints: {parameter: {max: 3}}}"],
            "search.constraints: 'parameter' is not accepted; did you mean 'parameters'?",
        ),
        (
            ["design=search", "search={trials: 5, pruner: wilcoxon}", "seeds=3"],
            "search.pruner: 'wilcoxon' compares cells over",
        ),
        (
            ["design=search", "search={trials: 5, pruner: median}", "objective=[{metric: val_loss}, {metric: synops}]"],
            "search.pruner: 'median' needs one objective, not 2",
        ),
        (
            [*SEARCH, "objective=[{metric: val_acuracy}]"],
            "objective[0].metric: 'val_acuracy' is not accepted; did you",
        ),
        (
            ["objective.metric=test_accuracy"],
            "objective.metric: 'test_accuracy' is not accepted; did you mean 'val_acc",
        ),
        (["objective={metric: energy_nj}"], "objective.metric: 'energy_nj' chooses no epoch"),
        (["objective=[{metric: val_loss}, {metric: synops}]"], "objective: several objectives are for design: search"),
        ([*SEARCH, "baseline.protocol=paper_compat"], "search: protocol paper_compat chooses on the test set"),
        ([*SEARCH, "prune=median"], "prune: 'median' is for paired designs; a search has search.pruner"),
        (
            ["tuning={trials: 4, space: {training.lr: {low: 0.1, high: 1.0}}}"],
            "tuning.space.training.lr: the baseline's",
        ),
        (["tuning={trials: 4, space: {residual: [plain]}}"], "axes.residual: model.residual is set by another axis"),
        (["tuning={trials: 4, space: {traning.lr: [0.1]}}"], "tuning.space.traning.lr: not an axis; did you mean"),
        ([*SEARCH, "tuning={trials: 4, space: {lr: [0.1]}}"], "tuning: belongs to one_factor and factorial"),
        (
            [*SEARCH, "training.stack_seeds=2"],
            "training.stack_seeds: 2 seeds are trained to their end together, and search",
        ),
        (["training.stack_seeds=2", "prune=median"], "training.stack_seeds: 2 seeds are trained to their end together"),
        (
            ["training.stack_seeds=2", "tuning={trials: 4, space: {lr: {low: 0.01, high: 1.0}}}"],
            "training.stack_seeds: 2 seeds are trained to their end together, and tuning decides run by run",
        ),
        (
            ["training.stack_seeds=0"],
            "baseline.training.stack_seeds: 0 is too small; an integer of at least 1 is needed",
        ),
        (["training.stack_seeds=2.5"], "baseline.training.stack_seeds: 2.5 is not an integer"),
        (
            ["axes={training.stack_seeds: [1, 2]}"],
            "axes.training.stack_seeds: says where a run happens, not what it is",
        ),
        (["seeds=[1000000]"], "seeds: 1000000 is too large; from 1000000 on they are for"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_line(overrides: list[str], line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        config.load("quickstart", overrides)

    assert str(refusal.value).startswith(line)
    assert "\n" not in str(refusal.value)


def test_a_search_survives_being_written() -> None:
    objective = "objective=[{metric: val_accuracy}, {metric: energy_nj}]"
    study = config.load("quickstart", ["design=search", "search={trials: 5}", RANGED, objective])

    assert config.parse(study.plain()) == study
    assert [each.direction for each in study.objectives] == ["maximize", "minimize"]


def test_a_search_samples_on_the_seeds_that_are_given() -> None:
    assert len(config.load("quickstart", [*SEARCH, "seeds=3"]).seeds) == 3


def test_a_level_of_a_package_that_is_not_installed_is_refused_without_torch() -> None:
    """In a process of its own, in which kornia cannot be found."""
    code = (
        "import sys; sys.modules['kornia'] = None\n"
        "from ablate import config\nfrom ablate.errors import RequestError\n"
        "try: config.load('cifar10', ['axes={augment: [standard, {name: randaugment, m: 5}]}'])\n"
        "except RequestError as error: print(error, 'torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    expected = "data.augment: 'randaugment' needs a further package: pip install 'ablate-snn[augment]' False\n"
    assert shown == expected
