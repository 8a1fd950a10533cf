"""Errors that are a person's to mend: each prints as one line and becomes an exit code, never a traceback."""

from __future__ import annotations

from typing import ClassVar


class RequestError(ValueError):
    """The request is wrong: a field, its value, and what would be accepted. Nothing was written."""

    exit_code: ClassVar[int] = 2


class StudyError(RuntimeError):
    """The study cannot be worked on here and now: locked, storage damaged or unreachable, disk full. It is intact."""

    exit_code: ClassVar[int] = 1
