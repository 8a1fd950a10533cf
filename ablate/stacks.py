"""Stacks: runs of one cell that a worker trains at once. Across an engine goes the spec of the first, with the others.

The first run's record is the engine's answer, and the others leave theirs in their folders, where every attempt does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ablate.records import RunSpec

_OTHERS = "stack"


def together(specs: Sequence[RunSpec]) -> RunSpec:
    """The spec of a stack of one run or more: the first's, which tells its worker of the others."""
    first, *others = specs
    return replace(first, execution=first.execution | {_OTHERS: [each.to_json() for each in others]})


def stacked(spec: RunSpec) -> bool:
    """Whether a spec is that of a stack."""
    return _OTHERS in spec.execution


def members(spec: RunSpec) -> list[RunSpec]:
    """The runs of a stack, each by itself."""
    alone = {key: value for key, value in spec.execution.items() if key != _OTHERS}
    return [replace(spec, execution=alone), *map(RunSpec.from_json, spec.execution.get(_OTHERS, []))]
