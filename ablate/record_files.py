"""The records that attempts leave in `runs/<run_id>/record.json`: the whole of what the ledger books a part of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ablate.files import write_atomically
from ablate.records import RunRecord


@dataclass(frozen=True, slots=True)
class RecordFiles:
    """The record files of one study directory. Whatever is unreadable counts as not there."""

    directory: Path

    def text(self, run_id: str) -> str | None:
        try:
            return self._file(run_id).read_text()
        except (OSError, UnicodeDecodeError):
            return None

    def record(self, run_id: str) -> RunRecord | None:
        """The record of a run, if the file holds one of this run."""
        text = self.text(run_id)
        try:
            found = RunRecord.from_json(text) if text is not None else None
        except (ValueError, TypeError):
            return None
        return found if found is not None and found.run_id == run_id else None

    def settled(self, run_id: str) -> RunRecord | None:
        """The record of a run that has ended for good: not of one whose worker crashed."""
        found = self.record(run_id)
        return found if found is not None and found.kind != "crash" else None

    def keep(self, run_id: str, text: str) -> None:
        """Write the record, unless the file holds it already."""
        if self.text(run_id) != text:
            file = self._file(run_id)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file, text)

    def _file(self, run_id: str) -> Path:
        return self.directory / "runs" / run_id / "record.json"
