"""How long a complete guide takes and what memory it needs, from 100 runs to 10,000.

Every guide is made in a process of its own, from the four files on disk to all files of the guide: time and peak
resident memory include starting Python. Run with `pytest tests/benchmarks/test_report.py -s`.
"""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path

import large_studies
import pytest

RUNS = (100, 1_000, 10_000)
GUIDE = """
import resource, sys
from reports.guide import cards, write_guide
from reports.results import StudyResults
results = StudyResults.read(sys.argv[1])
write_guide(results, sys.argv[2])
assert "torch" not in sys.modules
assert not [card.reason for card in cards(results) if card.status == "failed"]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def guide(study: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of one guide."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", GUIDE, study, out], capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return time.perf_counter() - began, float(done.stdout)


@pytest.mark.parametrize("design", ["one_factor", "factorial", "search"])
@pytest.mark.timeout(0)
def test_how_a_guide_grows(design: str, tmp_path: Path) -> None:
    print(f"\n{design}: runs, seconds, MB at the peak, exponent of the time since the row above")
    before: tuple[int, float] | None = None
    for runs in RUNS:
        study = tmp_path / str(runs)
        large_studies.write(study, design, runs)
        seconds, megabytes = guide(study, tmp_path / f"{runs}-guide")
        grown = "" if before is None else f"{math.log(seconds / before[1]) / math.log(runs / before[0]):6.2f}"
        print(f"{runs:7,} {seconds:8.1f} {megabytes:8.0f} {grown}")
        before = runs, seconds
