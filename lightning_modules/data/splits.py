"""Named splits: which sample belongs to training, validation and test. No generator, no torch.

A split is a pure function of its name and the labels, so that no library's random numbers can change it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Split:
    """Indices into the data set, ascending in each part."""

    name: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]

    def digest(self) -> str:
        """sha256 over the indices of the three parts."""
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


def _rank(name: str, label: int, index: int) -> bytes:
    return hashlib.sha256(f"{name}/{label}/{index}".encode()).digest()
