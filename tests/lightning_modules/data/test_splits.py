"""Named splits: disjoint, complete, stratified, and fixed for ever under their name."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.data.splits import held_out, stratified

FIFTH = Fraction(1, 5)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=120))
def test_every_sample_is_in_exactly_one_part(labels: list[int]) -> None:
    split = stratified("some-v1", labels, validation=FIFTH, test=FIFTH)
    assert sorted(split.train + split.validation + split.test) == list(range(len(labels)))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=120))
def test_every_class_is_cut_in_the_same_shares(labels: list[int]) -> None:
    split = stratified("some-v1", labels, validation=FIFTH, test=FIFTH)
    for label in set(labels):
        for part in (split.validation, split.test):
            assert abs(sum(labels[index] == label for index in part) - labels.count(label) / 5) <= 1


def test_parts_are_in_ascending_order() -> None:
    split = stratified("some-v1", [0, 1] * 50, validation=FIFTH, test=FIFTH)
    assert all(list(part) == sorted(part) for part in (split.train, split.validation, split.test))


def test_another_name_is_another_cut() -> None:
    labels = [0, 1] * 50
    one, two = (stratified(name, labels, validation=FIFTH, test=FIFTH) for name in ("some-v1", "some-v2"))
    assert one.test != two.test
    assert one.digest() != two.digest()


def test_a_sample_keeps_its_part_when_labels_are_of_another_type() -> None:
    import numpy as np

    labels = [0, 1, 2] * 20
    assert stratified("v", labels, validation=FIFTH, test=FIFTH) == stratified(
        "v",
        np.array(labels),
        validation=FIFTH,
        test=FIFTH,  # type: ignore[arg-type]
    )


@given(st.lists(st.integers(0, 4), min_size=10, max_size=120), st.integers(0, 9))
def test_a_held_out_part_has_exactly_its_size_and_each_class_its_share(labels: list[int], tenths: int) -> None:
    validation = len(labels) * tenths // 10
    split = held_out("some-v1", labels, validation=validation, test=7)
    assert len(split.validation) == validation
    assert sorted(split.train + split.validation) == list(range(len(labels)))
    for label in set(labels):
        share = labels.count(label) * validation / len(labels)
        assert abs(sum(labels[index] == label for index in split.validation) - share) < 1


def test_the_official_test_samples_follow_the_training_samples() -> None:
    assert held_out("some-v1", [0, 1] * 10, validation=2, test=3).test == (20, 21, 22)


def test_a_held_out_part_is_fixed_for_ever_under_its_name() -> None:
    """The digests of published data sets in the catalogue rest on this."""
    split = held_out("cifar10-v1", [0, 1, 2] * 10, validation=6, test=2)
    assert split.validation == (2, 4, 6, 9, 11, 16)
