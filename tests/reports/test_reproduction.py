"""The guide says how to reproduce a study, and which of its runs were trained at once."""

from __future__ import annotations

from dataclasses import replace

from synthetic_studies import one_factor

from reports.analyses.reproduction import Reproduction
from reports.results import StudyResults

BASELINE = {"residual": "sresnet"}


def results() -> StudyResults:
    values = {"baseline": {"": [0.9, 0.9, 0.9]}, "residual": {"plain": [0.8, 0.8, "a crash"]}}
    return one_factor(values, baseline=BASELINE)


def facts(of: StudyResults) -> dict[str, str]:
    frame = Reproduction().compute(of).frame
    return dict(zip(frame["what"], frame["value"], strict=True))


def test_stacks_are_not_mentioned_where_there_are_none() -> None:
    plain = results()
    assert "seeds trained at once" not in facts(plain)
    assert facts(replace(plain, runs=plain.runs.assign(stacked=None))) == facts(plain)


def test_runs_that_were_trained_at_once_are_counted() -> None:
    plain = results()
    stacked = replace(plain, runs=plain.runs.assign(stacked=[2, 2, 1, 2, None, None]))
    said = facts(stacked)["seeds trained at once"]
    assert said.startswith(
        "1 in stacks of 1, 3 in stacks of 2, 1 by themselves; a run's training seconds are its share"
    )
