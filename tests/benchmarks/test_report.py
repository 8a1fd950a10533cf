"""How long a complete guide takes and what memory it needs, from 100 runs to 10,000.

Every guide is made in a process of its own, as `ablate report` makes it, from the four files on disk to all files of
the guide: time includes starting Python, memory the processes that draw. Run with
`pytest tests/benchmarks/test_report.py -s`.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import large_studies
import psutil
import pytest

from ablate.engines.devices import cores

RUNS = (100, 1_000, 10_000)
GUIDE = """
import sys
from reports.guide import write_guide
from reports.results import StudyResults
write_guide(StudyResults.read(sys.argv[1]), sys.argv[2], processes=int(sys.argv[3]))
assert "torch" not in sys.modules
"""


def guide(study: Path, out: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of one guide."""
    began, peak = time.perf_counter(), 0
    process = subprocess.Popen([sys.executable, "-c", GUIDE, study, out, str(cores())])
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    assert process.returncode == 0
    cards = json.loads((out / "guide.json").read_text())["cards"]
    assert not [card["reason"] for card in cards if card["status"] == "failed"]
    return seconds, peak / 2**20


def resident(pid: int) -> int:
    """Bytes of a process and of those that it started; what they share counts several times."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for each in (own := psutil.Process(pid), *own.children(recursive=True)):
            total += each.memory_info().rss
    return total


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
