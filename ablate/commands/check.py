"""`ablate check`: whether the runs of a study bear out what is claimed of them, as an exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.text import Text

from ablate.commands.explain import read
from ablate.errors import RequestError, StudyError
from reports.claims.evaluation import HOLDS, evaluate
from reports.render import structured, text

_FORM = "claims: [a sentence, or {name: ..., claim: a sentence}, ...]"


def main(argument: str, file: str, directory: str | None, *, as_json: bool = False) -> int:
    """Print the outcome of every claim. Exit code: 0 if all hold, 1 if one does not."""
    claims = _claims(Path(file))
    try:
        card = evaluate(claims, read(argument, directory))
    except StudyError as error:  # exit code 1 would say that a claim does not hold
        raise RequestError(str(error)) from None
    except RequestError:
        raise
    except ValueError as error:
        raise RequestError(f"{file}: {error}") from None
    if as_json:
        print(structured.render(card.title, [card]), end="")
    else:
        Console(highlight=False).print(Text(text.render([card]).rstrip()), soft_wrap=True)
    return 0 if (card.frame["outcome"] == HOLDS).all() else 1


def _claims(path: Path) -> dict[str, str]:
    """Name -> sentence; a sentence without a name is its own."""
    entries = _entries(path)
    claims: dict[str, str] = {}
    for at, entry in enumerate(entries):
        where = f"{path}: claims[{at}]"
        named = isinstance(entry, dict) and set(entry) == {"name", "claim"}
        name, sentence = (entry["name"], entry["claim"]) if named else (entry, entry)
        if not isinstance(sentence, str) or not isinstance(name, str) or not sentence.strip() or not name.strip():
            raise RequestError(f"{where}: {entry!r} is not a claim; a sentence, or {{name: ..., claim: a sentence}}")
        name, sentence = " ".join(name.split()), " ".join(sentence.split())
        if name in claims or sentence in claims.values():
            raise RequestError(f"{where}: {name!r} is there twice; a family counts every claim once")
        claims[name] = sentence
    return claims


def _entries(path: Path) -> list[Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RequestError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: cannot be read as text: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise RequestError(f"{path}: not YAML: {getattr(error, 'problem', None) or 'unreadable'}{line}") from None
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list) or not content["claims"]:
        raise RequestError(f"{path}: no list of claims; write {_FORM}")
    if others := [str(key) for key in content if key != "claims"]:
        raise RequestError(f"{path}: {others[0]!r} is not a field of a claims file; write {_FORM}")
    return list(content["claims"])
