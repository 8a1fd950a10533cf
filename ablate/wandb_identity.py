"""What a run is called in Weights & Biases: id, name, group, tags and config. Pure functions of the spec."""

from __future__ import annotations

import hashlib
from typing import Any

from ablate.records import RunSpec

TAG_LIMIT, NAME_LIMIT = 64, 128
"""Characters that W&B allows in a tag, and in a name or a group."""


def run_identity(spec: RunSpec) -> str:
    """The W&B id of a run, the same for all its attempts: 12 hexadecimal digits."""
    return identity_of(spec.uid, spec.branch, spec.run_id)


def identity_of(uid: str, branch: str, run_id: str) -> str:
    """`run_identity` of a run of a study's branch, without its spec."""
    return _hashed(uid, branch, run_id)


def guide_identity(uid: str, branch: str) -> str:
    """The W&B id of a study's guide, which is a run of its own."""
    return _hashed(uid, branch, "guide")


def _hashed(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def run_name(spec: RunSpec) -> str:
    """`residual=plain seed=2`; `baseline seed=2`."""
    varied = " ".join(f"{axis}={spec.levels[axis]}" for axis in spec.varied) or "baseline"
    seed = f" seed={spec.seed}"
    return _shortened(varied, NAME_LIMIT - len(seed)) + seed


def run_group(spec: RunSpec) -> str:
    """The cell, whose seeds belong together: `digits/residual=plain`."""
    return _shortened(f"{spec.study}/{spec.cell}", NAME_LIMIT)


def run_tags(spec: RunSpec) -> tuple[str, ...]:
    """The study and the level of every axis, so that a level can be filtered on in any study."""
    return tuple(_shortened(tag, TAG_LIMIT) for tag in (spec.study, *(f"{a}={v}" for a, v in spec.levels.items())))


def run_config(spec: RunSpec) -> dict[str, Any]:
    """The resolved configuration with levels and identity; without `data.root`, which only says where."""
    data = {name: value for name, value in spec.config.get("data", {}).items() if name != "root"}
    identity = ("study", "uid", "branch", "run_id", "cell_id", "cell", "seed", "levels")
    return {**spec.config, "data": data, **{name: getattr(spec, name) for name in identity}}


def _shortened(text: str, limit: int) -> str:
    """`text`, or its beginning with a hash of the whole, so that two long names stay two."""
    return text if len(text) <= limit else f"{text[: limit - 9]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"
