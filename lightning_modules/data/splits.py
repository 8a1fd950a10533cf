"""Named splits: which sample belongs to training, validation and test. No generator, no torch.

A split is a pure function of its name and the labels, so that no library's random numbers can change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class Split:
    """Indices into the data set, ascending in each part."""

    name: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def digest(self) -> str:
        """sha256 over the indices of the three parts."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        lines = [",".join(map(str, part)) for part in (self.train, self.validation, self.test)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def stratified(name: str, labels: Sequence[int], *, validation: Fraction, test: Fraction) -> Split:
    """Cut every class in the same shares, in the order of a hash of (name, class, index).

    Args:
        name: name and version of the split; another name is another cut.
        labels: class of every sample.
        validation, test: shares of each class, rounded to whole samples; training gets the rest.
    """
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(int(label), []).append(index)
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    for label, indices in sorted(members.items()):
        ordered = sorted(indices, key=lambda index: _rank(name, label, index))
        first, second = round(len(indices) * test), round(len(indices) * (test + validation))
        parts[2].extend(ordered[:first])
        parts[1].extend(ordered[first:second])
        parts[0].extend(ordered[second:])
    train, held, last = (tuple(sorted(part)) for part in parts)
    return Split(name, train, held, last)


def held_out(name: str, labels: Sequence[int], *, validation: int, test: int) -> Split:
    """Cut a validation part from official training samples; the official test samples follow them in the data set.

    Every class gives its share of the validation part to within one sample (largest remainder), the samples being
    taken in the order of a hash of (name, class, index).

    Args:
        name: name and version of the split; another name is another cut.
        labels: class of every official training sample.
        validation: samples to hold out.
        test: official test samples.
    """
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(int(label), []).append(index)
    shares = {label: divmod(len(indices) * validation, len(labels)) for label, indices in sorted(members.items())}
    short = validation - sum(whole for whole, _ in shares.values())
    topped = set(sorted(shares, key=lambda label: -shares[label][1])[:short])
    held = sorted(
        index
        for label, (whole, _) in shares.items()
        for index in sorted(members[label], key=lambda index: _rank(name, label, index))[: whole + (label in topped)]
    )
    out = set(held)
    train = tuple(index for index in range(len(labels)) if index not in out)
    return Split(name, train, tuple(held), tuple(range(len(labels), len(labels) + test)))


def tested_on(name: str, labels: Sequence[int], test: Collection[int], *, validation: Fraction) -> Split:
    """Test on the samples given; of each class of the others, hold out a share in the order of a hash.

    Args:
        name: name and version of the split; another name is another cut.
        labels: class of every sample.
        test: indices of the test samples.
        validation: share of each class of the other samples, rounded to whole samples.
    """
    tested = set(test)
    members: dict[int, list[int]] = {}
    for index, label in enumerate(labels):
        if index not in tested:
            members.setdefault(int(label), []).append(index)
    held = {
        index
        for label, indices in members.items()
        for index in sorted(indices, key=lambda index: _rank(name, label, index))[: round(len(indices) * validation)]
    }
    train = (index for indices in members.values() for index in indices if index not in held)
    return Split(name, tuple(sorted(train)), tuple(sorted(held)), tuple(sorted(tested)))


def _rank(name: str, label: int, index: int) -> bytes:
    return hashlib.sha256(f"{name}/{label}/{index}".encode()).digest()
