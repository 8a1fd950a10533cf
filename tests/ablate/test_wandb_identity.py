from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ablate.records import RunSpec
from ablate.wandb_identity import run_config, run_group, run_identity, run_name, run_tags


@pytest.fixture
def spec() -> RunSpec:
    return RunSpec(
        study="digits", uid="0123456789abcdef", branch="main", run_id="c0ffee-2", cell_id="c0ffee",
        cell="residual=plain", seed=2, attempt=0, token="t", directory="/study/runs/c0ffee-2",
        levels={"residual": "plain", "encoding": "direct"}, varied=["residual"],
        config={"protocol": "sound", "data": {"name": "digits", "root": "/somewhere"}, "model": {"width": 8}},
    )  # fmt: skip


def test_identity_is_a_function_of_study_branch_and_run(spec: RunSpec) -> None:
    assert run_identity(spec) == run_identity(replace(spec, attempt=3, token="other", directory="/moved"))
    changed = [replace(spec, uid="f"), replace(spec, branch="tdbn"), replace(spec, run_id="c0ffee-3")]
    assert len({run_identity(each) for each in [spec, *changed]}) == 4
    assert run_identity(spec).isalnum() and run_identity(spec).islower() and 8 <= len(run_identity(spec)) <= 16


def test_the_baseline_is_named_so(spec: RunSpec) -> None:
    assert run_name(replace(spec, varied=[])) == "baseline seed=2"
    assert run_name(replace(spec, varied=["residual", "encoding"])) == "residual=plain encoding=direct seed=2"


def test_long_levels_stay_distinct_within_the_limits_of_names_and_tags(spec: RunSpec) -> None:
    long = [replace(spec, levels={"residual": "x" * 200 + end}, cell="x" * 200 + end) for end in "ab"]
    assert all(len(tag) <= 64 for each in long for tag in run_tags(each))
    assert all(len(run_group(each)) <= 128 for each in long)
    for named in (run_tags, run_group, run_name):
        assert named(long[0]) != named(long[1])
    assert all(len(run_name(each)) <= 128 and run_name(each).endswith(" seed=2") for each in long)


def test_the_config_says_nothing_about_places(spec: RunSpec) -> None:
    assert run_config(spec)["data"] == {"name": "digits"} and "/" not in json.dumps(run_config(spec))
