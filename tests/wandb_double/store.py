"""What the double keeps of what it is sent: runs with their history and files, artifacts, views."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


def _loads(text: str) -> Any:
    """JSON as the server answers it: a NaN, which is none, becomes a text."""
    return json.loads(text, parse_constant=str)


@dataclass
class StoredRun:
    """One run, as a client reads it back.

    Attributes:
        fields: what `upsertBucket` was sent (displayName, groupName, jobType, tags, config as JSON text, ...).
        lines: the history, one JSON text a row, by position in the stream.
        finished: exit code, once the stream was completed.
    """

    number: int
    entity: str
    project: str
    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    lines: dict[int, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    finished: int | None = None
    resuming: bool = False

    @property
    def history(self) -> list[dict[str, Any]]:
        return [_loads(self.lines[place]) for place in sorted(self.lines)]

    @property
    def config(self) -> dict[str, Any]:
        stored = json.loads(self.fields.get("config") or "{}")
        return {name: entry["value"] for name, entry in stored.items() if name != "_wandb"}

    @property
    def last_step(self) -> int:
        return max((row.get("_step", place) for place, row in zip(self.lines, self.history, strict=True)), default=-1)

    @property
    def state(self) -> str:
        return "running" if self.finished is None else "failed" if self.finished else "finished"

    def stream(self, body: dict[str, Any]) -> None:
        """A message of the file stream: rows at an offset, the summary, the end."""
        for name, chunk in (body.get("files") or {}).items():
            if name == "wandb-history.jsonl":
                self.lines |= {chunk["offset"] + place: line for place, line in enumerate(chunk["content"])}
            elif name == "wandb-summary.json":
                self.summary = _loads(chunk["content"][-1])
        if body.get("complete"):
            self.finished = body.get("exitcode", 0)

    def begin(self) -> None:
        """A client opens the run: one that did not ask how far it was starts it afresh."""
        if not self.resuming:
            self.lines.clear()
            self.summary = {}
        self.resuming, self.finished = False, None


@dataclass
class Store:
    """Everything the server knows; ids are numbers in the order of arrival."""

    entity: str = "me"
    runs: dict[str, StoredRun] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    projects: set[str] = field(default_factory=set)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def run(self, name: str) -> StoredRun:
        return self.runs[name]

    def jobs(self, job_type: str) -> list[StoredRun]:
        return [run for run in self.runs.values() if run.fields.get("jobType") == job_type]

    def by_storage_id(self, storage_id: str) -> StoredRun:
        return next(run for run in self.runs.values() if f"run:{run.number}" == storage_id)
