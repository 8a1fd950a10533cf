"""How to reproduce the study: command, study file, versions, hardware, data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reports.analyses.card import Card, Table
from reports.results import StudyResults
from reports.schema import STACKED

_SELECTION = {
    "sound": "the epoch was chosen on validation accuracy; test was evaluated once, with that epoch",
    "paper_compat": "the epoch was chosen on the test set (the published habit): every accuracy is test-selected",
}


class Reproduction:
    """Provenance. The frame's columns: what, value."""

    key = "reproduction"
    title = "How to reproduce it"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None

    def compute(self, results: StudyResults) -> Card:
        study = results.study
        facts = [*_facts(study, results.provenance), *_stacks(results.runs)]
        frame = pd.DataFrame(facts, columns=["what", "value"])
        rows = tuple(tuple(row) for row in frame.to_numpy().tolist())
        code = [("Command, with the study file below", str(study["command"]))] if study.get("command") else []
        code += [("Study file, with every setting as it was run", str(study["file"]))] if study.get("file") else []
        table = Table(("what", "value"), rows, (False, False), caption="Code, data and machines behind these results.")
        return Card(self.key, self.title, (), frame, table, code=tuple(code), folded=True)


def _facts(study: Mapping[str, Any], provenance: Mapping[str, Any]) -> list[tuple[str, str]]:
    data = study["data"]
    sizes = ", ".join(f"{part} {data[part]:,}" for part in ("train", "validation", "test") if data.get(part))
    split = f"{data.get('name', '')} {data.get('version', '')}, split {data.get('split', '')}"
    rule = [("rule of the split", str(data["rule"]))] if data.get("rule") else []
    facts = [
        ("study", f"{study['name']} ({study.get('uid', '')}, branch {study.get('branch', '')})"),
        ("seeds", _text(study["seeds"])),
        ("data", f"{split}: {sizes}" if sizes else split),
        *rule,
        ("selection", _SELECTION.get(study["protocol"], study["protocol"])),
        ("commit", _text(provenance.get("commit"))),
        ("versions", _text(provenance.get("versions"))),
        ("devices", _text(provenance.get("devices"))),
        ("back ends", _text(provenance.get("backends"))),
        ("data fingerprints", _text(provenance.get("data_fingerprints"))),
    ]
    return [(what, value or "not recorded") for what, value in facts]


def _stacks(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """How many runs were trained at once with other seeds of their cell, where any were."""
    if STACKED not in runs:
        return []
    complete = runs[runs["status"] == "complete"]
    sizes = pd.to_numeric(complete[STACKED], errors="coerce").dropna().astype(int)
    if sizes.empty:
        return []
    together = ", ".join(f"{count} in stacks of {size}" for size, count in sizes.value_counts().sort_index().items())
    alone = len(complete) - len(sizes)
    by_themselves = f", {alone} by themselves" if alone else ""
    return [
        (
            "seeds trained at once",
            f"{together}{by_themselves}; a run's training seconds are its share of the stack's, its memory is all of "
            "it, and its numbers are those of a training by itself but for rounding",
        )
    ]


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {value[name]}" for name in sorted(value))
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)
