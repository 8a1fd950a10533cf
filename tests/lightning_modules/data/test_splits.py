"""Named splits: disjoint, complete, stratified, and fixed for ever under their name."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lightning_modules.data.splits import stratified

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
