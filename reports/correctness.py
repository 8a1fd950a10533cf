"""Which test samples each run got right, and what follows for a contrast: an interval over seeds and test samples."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import numpy as np

from reports.family import Sides
from reports.matching import Match
from reports.outcomes import Outcomes, State
from reports.results import StudyResults
from reports.statistics.crossed import crossed_interval
from reports.statistics.paired import Floats


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
        differences = np.zeros((len(blocks), self.samples))
        for level, reference in pairs:
            above, below = self._matrix(level, outcomes, blocks), self._matrix(reference, outcomes, blocks)
            if above is None or below is None:
                return float("nan"), float("nan")
            differences += (above - below) / len(pairs)
        return crossed_interval(differences.round(12), seed=_seed(match))

    def _used(self, pair: tuple[str, str], outcomes: Outcomes, blocks: np.ndarray) -> bool:
        return not any(np.isnan(outcomes.value[outcomes.rows[cell], blocks]).any() for cell in pair)

    def _matrix(self, cell: str, outcomes: Outcomes, blocks: np.ndarray) -> Floats | None:
        """Correct or not of a cell `[blocks, samples]`."""
        rows = []
        for block in blocks:
            if outcomes.state[outcomes.rows[cell], block] == State.DIVERGED:
                rows.append(np.full(self.samples, self.chance))
                continue
            packed = base64.b64decode(self.bits.get((cell, outcomes.seeds[block]), ""))
            if len(packed) != -(-self.samples // 8):
                return None
            rows.append(np.unpackbits(np.frombuffer(packed, np.uint8), count=self.samples).astype(np.float64))
        return np.stack(rows)


def _seed(match: Match) -> int:
    """A seed of its own for every contrast, so that adding a level moves no other interval."""
    text = "/".join([match.level, *(cell for pair in match.pairs for cell in pair)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
