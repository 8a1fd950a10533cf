"""Results from a study directory: the files of its `report/` folder alone, never its storage."""

from __future__ import annotations

from pathlib import Path

from reports.results import StudyResults


def read(directory: Path | str) -> StudyResults:
    """Read `<directory>/report/`.

    Raises:
        ValueError: one line that names the file and what is wrong with it.
    """
    return StudyResults.read(Path(directory) / "report")
