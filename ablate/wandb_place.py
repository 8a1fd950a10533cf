"""Where `ablate sync` put a study's runs, kept in the study directory: a report then links to them without a server."""

from __future__ import annotations

import json
from pathlib import Path

from ablate.files import write_atomically

FILE = "synchronised.json"
_KEYS = ("url", "entity", "project")


def keep(study: Path, *, url: str, entity: str, project: str) -> None:
    """Remember the place: address of the W&B server for people, entity and project."""
    place = {"url": url, "entity": entity, "project": project}
    if known(study) != place:
        write_atomically(study / FILE, json.dumps(place, indent=1) + "\n")


def known(study: Path) -> dict[str, str]:
    """`url`, `entity` and `project` of the last synchronisation; empty where there was none."""
    try:
        content = json.loads((study / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or not all(isinstance(content.get(key), str) for key in _KEYS):
        return {}
    return {key: content[key] for key in _KEYS}
