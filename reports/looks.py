"""How often the effects of an axis were shown while its study grew, and whether that was declared beforehand.

`results.study["looks"]` holds what the study file declared and what the ledger recorded:
`{"scheme": {"at": [5, 10], "boundary": ...} or null, "made": {axis: [{"seeds", "runs", "whole"}, ...]}}`, a look at an
axis being a report that showed effects of it and rested on runs that no report before had shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from reports import wording
from reports.results import StudyResults
from reports.statistics.sequential import Stage
from reports.statistics.verdict import ALPHA

_NAMES = {"obrien_fleming": "O'Brien-Fleming", "pocock": "Pocock"}


@dataclass(frozen=True)
class Look:
    """A report that showed effects of an axis.

    Attributes:
        seeds: seed blocks that the study planned then.
        runs: runs of the axis that had ended.
        whole: whether all that were planned had.
    """

    seeds: int
    runs: int
    whole: bool


@dataclass(frozen=True)
class AxisLooks:
    """The looks at one axis, the present one last.

    Attributes:
        made: all of them; empty where nobody recorded any, as for results that were written by hand.
        stage: the declared look that the present one is; None without a scheme, and once a look was off it.
        declared: whether the study file has a scheme.
    """

    made: tuple[Look, ...]
    stage: Stage | None
    declared: bool

    @classmethod
    def of(cls, results: StudyResults, axis: str) -> Self:
        """What `results.study["looks"]` says of an axis."""
        known = results.study.get("looks") or {}
        made = tuple(Look(**each) for each in known.get("made", {}).get(axis, ()))
        scheme = known.get("scheme")
        return cls(made, _stage(scheme, made) if scheme else None, bool(scheme))

    @property
    def exploratory(self) -> int | None:
        """The number of this look where its verdicts are exploratory: a further one, or one off the scheme."""
        if self.stage is not None or not self.made or (len(self.made) == 1 and not self.declared):
            return None
        return len(self.made)

    @property
    def reason(self) -> str:
        """Why verdicts are exploratory."""
        if not self.declared:
            return f"look {len(self.made)} at these effects, and no scheme of looks was declared"
        return f"look {len(self.made)} at these effects, not all of them as declared"

    def sentence(self, axis: str) -> str | None:
        """What a reader must know of the looks, or None where there was one and nothing was declared."""
        if self.stage is not None:
            at = wording.listing([str(each) for each in self.stage.at])
            level = wording.significant(self.stage.alpha(ALPHA))
            return (
                f"Looks were declared at {at} seed blocks ({_NAMES[self.stage.boundary]}); this is look "
                f"{self.stage.look + 1} of {len(self.stage.at)}. p values and intervals of the differences are "
                f"repeated ones, valid at every look: a nominal p of {level} is one of 0.05 here."
            )
        if self.exploratory is None:
            return None
        seen = [f"{each.runs:,} runs of {wording.count(each.seeds, 'seed block')}" for each in self.made]
        declared = "although looks were declared" if self.declared else "and no scheme was declared"
        return (
            f"The effects of {axis} were reported {len(self.made)} times while the study grew (after "
            f"{wording.listing(seen)}) {declared}: whoever looks until something is found finds something. The "
            "verdicts are exploratory, p and intervals those of the present runs taken alone."
        )


def _stage(scheme: Mapping[str, Any], made: Sequence[Look]) -> Stage | None:
    """The declared look that the last one is, if every look was a declared one, in order, of ended runs alone."""
    at = tuple(int(each) for each in scheme["at"])
    seeds = [each.seeds for each in made]
    as_declared = all(each.whole and each.seeds in at for each in made) and seeds == sorted(set(seeds))
    return Stage(at, at.index(seeds[-1]), scheme["boundary"]) if made and as_declared else None
