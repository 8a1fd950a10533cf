"""`ablate dashboard`: open what a study has logged."""

from __future__ import annotations

from typing import Any

from ablate import study_directory
from ablate.dashboard import open_dashboard


def main(argument: str, directory: str | None, view: Any) -> int:
    """Exit code of what was opened."""
    return open_dashboard(study_directory.locate(argument, directory), view)
