"""What a plan says a design can and cannot tell: every line against a hand-made study."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import inside
from statsmodels.stats.power import TTestPower

from ablate import config, confounding, design, prospects, study_directory
from ablate.config import Study
from ablate.errors import RequestError
from reports.results import StudyResults
from reports.statistics.power import blocks_for_half_width

NMNIST = Path(__file__).parents[2] / "docs" / "examples" / "nmnist"


def quickstart(*overrides: str) -> Study:
    return config.load("quickstart", overrides)


def told(study: Study, spread: prospects.Spread | None = None) -> list[str]:
    return prospects.lines(study, design.plan(study), spread or prospects.expected(study))


def found(*overrides: str) -> list[str]:
    study = quickstart(*overrides)
    return confounding.findings(study, design.plan(study))


def test_families_of_one_size_share_a_line_and_others_have_their_own() -> None:
    lines = [line for line in told(quickstart()) if line.startswith("Can tell")]
    assert [re.search(r"contrast of (.*?) \(", line)[1] for line in lines] == [  # type: ignore[index]
        "residual or normalization",
        "encoding or timesteps",
    ]


def test_the_detectable_difference_is_that_of_the_paired_test_in_points_where_an_sd_is_expected() -> None:
    (line, *_) = [each for each in told(quickstart("objective.expected_sd=0.02")) if each.startswith("Can tell")]
    effect = TTestPower().solve_power(nobs=5, alpha=0.05 / 3, power=0.8)
    assert f"from {effect:.1f} SD of the differences, {effect * 2:.2g} points" in line


def test_seeds_are_planned_for_a_precision_and_never_for_significance() -> None:
    lines = told(quickstart("objective.expected_sd=0.02"))
    first, second = (blocks_for_half_width(0.02, 0.01, size) for size in (3, 2))
    assert (
        f"Seed blocks for an adjusted interval of ±1 point at that SD: {first} (residual or normalization), "
        f"{second} (encoding or timesteps)"
    ) in lines
    assert "Assumed: an SD of the differences of 2 points (objective.expected_sd)" in lines
    assert not any("significan" in line for line in lines)


def test_an_excluded_level_is_no_member_of_its_family() -> None:
    study = quickstart("exclude=[{when: {residual: plain}, because: left out}]")
    assert prospects.families(study, design.plan(study)) == {
        "residual": 2, "encoding": 2, "normalization": 3, "timesteps": 2,
    }  # fmt: skip


def test_nothing_is_promised_without_seeds_or_levels() -> None:
    assert told(quickstart("seeds=1"))[0].startswith("Cannot tell: anything; one seed block")
    assert told(quickstart("axes={residual: [sresnet]}"))[0].startswith("Cannot tell: anything; no axis")


def test_an_sd_or_a_margin_of_another_metric_says_nothing_of_accuracy() -> None:
    lines = told(quickstart("objective={metric: val_loss, direction: minimize, margin: 0.1, expected_sd: 0.2}"))
    assert all(line.startswith("Can tell: at 5 blocks") and line.endswith("SD of the differences") for line in lines)


def test_a_pilot_gives_the_sd_pooled_over_its_contrasts() -> None:
    results = StudyResults.read(NMNIST)
    spread = prospects.of_pilot(results, "nmnist")
    from reports.effects import effects

    sds = effects(results)["sd_difference"].astype(float)
    sds = sds[sds > 0]
    assert spread.sd == pytest.approx(((sds**2).mean()) ** 0.5)  # equal blocks, so the plain mean of the variances
    assert spread.origin.startswith("pilot nmnist on nmnist: 10 contrasts, 5 blocks, 95 % CI")


def test_a_pilot_without_two_blocks_is_refused() -> None:
    results = StudyResults.read(NMNIST)
    one = results.runs[results.runs["seed"] == 0]
    few = StudyResults(results.study, one, results.curves.head(0), results.layers.head(0), (), {}, {})
    with pytest.raises(RequestError, match="--pilot x: no contrast has two seed blocks"):
        prospects.of_pilot(few, "x")


def test_an_expected_sd_changes_no_run_and_may_be_added_later(tmp_path: Path) -> None:
    without, with_it = quickstart(), quickstart("objective.expected_sd=0.02")
    assert [run.run_id for run in design.plan(without).runs] == [run.run_id for run in design.plan(with_it).runs]
    assert "expected_sd" not in without.plain()["objective"]
    assert config.parse(with_it.plain()) == with_it
    study_directory.save(study_directory.settle(tmp_path / "s", without))
    assert study_directory.settle(tmp_path / "s", with_it).study.objective.expected_sd == 0.02
    with pytest.raises(RequestError, match="objective"):
        study_directory.settle(tmp_path / "s", quickstart("objective.margin=0.02"))


@pytest.mark.parametrize("value", ["0", "-1", "x"])
def test_an_impossible_sd_is_refused(value: str) -> None:
    with pytest.raises(RequestError, match=r"objective\.expected_sd"):
        quickstart(f"objective.expected_sd={value}")


def test_what_levels_bring_along_is_one_line_an_axis() -> None:
    residual, normalization, timesteps = found()
    assert residual.startswith("Confounded: levels of residual bring more than themselves, against sresnet: plain: no")
    assert "none, bn: no weights for every step" in normalization and "tebn" not in normalization
    assert timesteps.startswith("Confounded: timesteps: the baseline has weights for every step")


def test_with_the_same_parts_everywhere_nothing_is_confounded() -> None:
    held = ("model.shortcut=conv_norm", "model.zero_init_residual=false", "model.normalization=bn")
    assert found(*held, "axes={residual: [sew_add], encoding: [poisson], timesteps: [2, 4]}") == []


def test_a_bundle_of_settings_names_them() -> None:
    axes = "axes={recipe: {new: {normalization: bn, lr: 0.1, width: 8}, only: {lr: 0.2}}}"
    assert found(axes) == ["Confounded: recipe=new sets normalization, lr together: no effect is any one's of them"]


def test_levels_that_compute_the_same_function_are_told_where_they_do() -> None:
    axes = "axes={normalization: [bn, tdbn]}"
    assert (
        "Same function: normalization=bn and tdbn (at threshold 1, with nothing added before the neuron): one finding, "
        "not two"
    ) in found(axes)
    assert not any(line.startswith("Same") for line in found(axes, "model.threshold=0.5"))
    crossed = "axes={normalization: [bn, tdbn], residual: [vanilla]}"
    assert not any(line.startswith("Same") for line in found(crossed, "design=factorial"))


CROSSED = ("design=factorial", "axes={residual: [or, plain], normalization: [none, bn]}")


def rule(residual: str, *normalization: str) -> str:
    names = f"[{', '.join(normalization)}]"
    return f"exclude=[{{when: {{residual: {residual}, normalization: {names}}}, because: left out}}]"


def test_a_factorial_whose_cells_are_all_there_estimates_every_interaction() -> None:
    assert not any(line.startswith("Not ") for line in found(*CROSSED))


def test_an_excluded_cell_costs_its_interaction() -> None:
    lines = [line for line in found(*CROSSED, rule("plain", "none")) if line.startswith("Not")]
    assert lines == ["Not estimable: interaction of residual and normalization, 1 of 4: plain with none"]


def test_a_level_without_a_cell_or_without_a_matching_one_cannot_be_tested() -> None:
    lines = found(*CROSSED, rule("plain", "none", "bn", "bntt"))
    assert "Not testable: residual=plain (excluded)" in lines
    rules = [
        "{when: {residual: plain, normalization: [bn, bntt]}, because: a}",
        "{when: {residual: sresnet, normalization: none}, because: b}",
        "{when: {residual: or}, because: c}",
    ]
    assert (
        "Not testable: residual=or (excluded), residual=plain (no matching cell), normalization=none (no matching cell)"
    ) in found(*CROSSED, f"exclude=[{', '.join(rules)}]")


def test_the_plan_of_the_quickstart_fits_on_a_screen(tmp_path: Path) -> None:
    done = inside("plan", "quickstart", cwd=tmp_path)
    assert done.returncode == 0 and len(done.stdout.splitlines()) <= 24
    assert list(tmp_path.iterdir()) == []


def test_a_pilot_is_named_on_the_command_line(tmp_path: Path) -> None:
    done = inside("plan", "nmnist", "--pilot", str(NMNIST), cwd=tmp_path)
    assert "Assumed: an SD of the differences of 5.78 points (pilot nmnist on nmnist" in done.stdout
    wrong = inside("plan", "nmnist", "--pilot", "nowhere", cwd=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "") and wrong.stderr.count("\n") == 1


def test_planning_loads_neither_torch_nor_pandas(tmp_path: Path) -> None:
    script = (
        "import sys; from ablate.commands import plan; plan.main('quickstart', [], None, 'main'); "
        "sys.exit('torch' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0


def test_a_declared_look_detects_less_than_one_that_is_the_only_one() -> None:
    once = told(quickstart("seeds=5"))
    declared = told(quickstart("seeds=5", "looks=[5, 10]"))
    assert "from 5.2 SD" in declared[0] and "from 2.3 SD" in once[0]
    assert any(line.startswith("Look 1 of 2 declared ones (5, 10 blocks): a nominal p of 0.0052") for line in declared)


def test_a_look_that_can_find_nothing_says_so_and_names_no_size() -> None:
    said = told(quickstart("seeds=5", "looks=[5, 100]", "objective.expected_sd=0.01"))
    assert any("at 5 blocks this look detects no difference of residual" in line for line in said)
    assert said[-1] == "Cannot tell: this look finds nothing 'equivalent' within 1 point, whatever the SD"
    assert not any("inf" in line for line in said)
