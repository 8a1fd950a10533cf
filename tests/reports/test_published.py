"""The study's best cell beside published results."""

from __future__ import annotations

from synthetic_studies import one_factor

from reports.analyses.published import Published
from reports.guide import analyses
from reports.results import StudyResults

CIFAR = {"name": "cifar10", "version": "1", "split": "cifar10-v1", "classes": 10, "test": 10_000}


def _study(**changes: object) -> StudyResults:
    values = {"baseline": {"": [0.90, 0.91, 0.92]}, "residual": {"plain": [0.80, 0.81, 0.82]}}
    return one_factor(values, baseline={"residual": "sresnet"}, **{"data": CIFAR, **changes})


def test_the_best_cell_stands_first_and_the_paper_below_it() -> None:
    card = Published().compute(_study())
    assert card.frame.iloc[0]["system"] == "baseline (this study)"
    assert card.frame.iloc[0]["accuracy"] == 91.0
    paper = card.frame[card.frame["system"] == "S-ResNet"].iloc[0]
    assert (paper["accuracy"], paper["timesteps"]) == (94.14, 50)


def test_differing_protocols_are_said() -> None:
    sound = " ".join(Published().compute(_study()).notes)
    assert "Protocols differ" in sound
    assert "validation-selected" in sound
    assert Published().compute(_study(protocol="paper_compat")).frame.iloc[0]["protocol"] == "test-selected"


def test_a_subset_is_no_match_for_all_images() -> None:
    prose = Published().compute(_study(data={**CIFAR, "split": "subset10000-v1"})).prose
    assert "trained on a part of the training images (subset10000-v1)" in prose[1]


def test_data_that_nobody_published_on_has_no_card() -> None:
    digits = _study(data={**CIFAR, "name": "digits"})
    assert "published" not in [each.key for each in analyses(digits)]
    assert "published" in [each.key for each in analyses(_study())]


def test_a_study_without_a_complete_run_shows_the_published_alone() -> None:
    values = {"baseline": {"": ["missing"]}, "residual": {"plain": ["missing"]}}
    card = Published().compute(one_factor(values, baseline={"residual": "sresnet"}, data=CIFAR))
    assert card.prose == ("No cell of this study is complete.",)
    assert len(card.frame)
