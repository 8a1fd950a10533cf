"""Which test samples each run got right, and what follows for a contrast: an interval over seeds and test samples."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.family import Sides
from reports.matching import Match
from reports.outcomes import Outcomes, State
from reports.results import StudyResults
from reports.statistics.crossed import crossed_interval
from reports.statistics.paired import Floats

_FEW = 255  # as many as a byte counts: bytes add up several times faster


@dataclass(frozen=True)
class Correctness:
    """Per-sample correctness of the runs of a study.

    Attributes:
        bits: (cell_id, seed) -> base64 of packed bits, one a test sample.
        samples: test samples; 0 where the study does not say.
        chance: what a diverged run gets on every sample.
    """

    bits: dict[tuple[str, int], str]
    samples: int
    chance: float

    @classmethod
    def of(cls, results: StudyResults) -> Correctness:
        """The stored bits of every run that has them."""
        columns = (results.runs[name].tolist() for name in ("run_id", "cell_id", "seed"))
        place = {run_id: (cell_id, int(seed)) for run_id, cell_id, seed in zip(*columns, strict=True)}
        bits = {place[run_id]: text for run_id, text in results.correct.items() if run_id in place}
        data = results.study["data"]
        return cls(bits, int(data.get("test") or 0), 1 / data["classes"] if data.get("classes") else float("nan"))

    def interval(self, match: Match, outcomes: Outcomes, sides: Sides) -> tuple[float, float]:
        """The 95 % interval of a contrast over blocks and test samples; NaN unless every run that counts has its bits.

        The blocks are those of the contrast itself (`Sides`), a diverged run entering at chance on every sample.
        """
        blocks = np.flatnonzero(~np.isnan(sides.differences))
        pairs = [pair for pair in match.pairs if self._used(pair, outcomes, blocks)]
        if len(blocks) < 2 or not self.samples or len(pairs) != sides.pairs:
            return float("nan"), float("nan")
        level, reference = (self._sum([pair[side] for pair in pairs], outcomes, blocks) for side in (0, 1))
        if level is None or reference is None:
            return float("nan"), float("nan")
        return crossed_interval((level - reference) / len(pairs), seed=_seed(match))

    def _used(self, pair: tuple[str, str], outcomes: Outcomes, blocks: np.ndarray) -> bool:
        return not any(np.isnan(outcomes.value[outcomes.rows[cell], blocks]).any() for cell in pair)

    def _sum(self, cells: Sequence[str], outcomes: Outcomes, blocks: np.ndarray) -> Floats | None:
        """How many of the cells are right `[blocks, samples]`, a diverged run by chance; None where bits are missing.

        Counted in whole numbers, so that the order of the cells does not matter.
        """
        right, chance = np.zeros((len(blocks), self.samples), np.int32), np.zeros((len(blocks), 1), np.int32)
        for start in range(0, len(cells), _FEW):
            few = np.zeros(right.shape, np.uint8)
            for cell in cells[start : start + _FEW]:
                for at, block in enumerate(blocks):
                    if outcomes.state[outcomes.rows[cell], block] == State.DIVERGED:
                        chance[at] += 1
                        continue
                    packed = base64.b64decode(self.bits.get((cell, outcomes.seeds[block]), ""))
                    if len(packed) != -(-self.samples // 8):
                        return None
                    few[at] += np.unpackbits(np.frombuffer(packed, np.uint8), count=self.samples)
            right += few
        return right + chance * self.chance if chance.any() else right.astype(np.float64)


def _seed(match: Match) -> int:
    """A seed of its own for every contrast, so that adding a level moves no other interval."""
    text = "/".join([match.level, *(cell for pair in match.pairs for cell in pair)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
