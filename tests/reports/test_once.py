"""What is computed once for a study: not twice, not for another one, and not kept when the study is gone."""

from __future__ import annotations

import gc
import weakref

from synthetic_studies import one_factor

from reports import guide
from reports.once import once_per_study
from reports.results import StudyResults


def study() -> StudyResults:
    values = {"baseline": {"": [0.9, 0.91, 0.92]}, "residual": {"plain": [0.8, 0.82, 0.81]}}
    return one_factor(values, baseline={"residual": "sresnet"})


def test_each_study_and_name_is_computed_once() -> None:
    asked = []

    @once_per_study
    def compute(results: StudyResults, name: str) -> None:
        asked.append((id(results), name))

    one, other = study(), study()
    for _ in range(2):
        for results, name in ((one, "a"), (one, "b"), (other, "a")):
            compute(results, name)
    assert asked == [(id(one), "a"), (id(one), "b"), (id(other), "a")]


def test_a_study_whose_guide_was_made_is_not_kept_alive() -> None:
    results = study()
    guide.cards(results)
    gone = weakref.ref(results)
    del results
    gc.collect()
    assert gone() is None
