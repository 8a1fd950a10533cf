"""What several cards ask of the same study is computed once, and forgotten with the study."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:  # the planner matches cells without the tables
    from reports.results import StudyResults

Found = TypeVar("Found")


def once_per_study(compute: Callable[[StudyResults, str], Found]) -> Callable[[StudyResults, str], Found]:
    """Remember what a function makes of a study and a name, such as an axis, for as long as the study is held.

    A process that reads one study after another keeps none of them; what is remembered must not refer to its study.
    """
    known: WeakKeyDictionary[StudyResults, dict[str, Found]] = WeakKeyDictionary()

    @wraps(compute)
    def remembered(results: StudyResults, name: str) -> Found:
        of = known.setdefault(results, {})
        if name not in of:
            of[name] = compute(results, name)
        return of[name]

    return remembered
