"""Study files as text: find one, merge overrides, resolve interpolations. What the values mean is `config`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablate.errors import RequestError
from lightning_modules.catalogue import near

STUDY_YAML = "study.yaml"

# Sections whose keys merge; everything else, a level with options among it, is a value and is replaced whole.
_SECTIONS = (
    "baseline", "baseline.data", "baseline.model", "baseline.training", "objective", "tracking", "engine",
    "engine.slurm",
)  # fmt: skip
_HEADER = ("uid", "branch")
_STORAGE = "storage"
_NO_MAPPING = "a study file is a mapping with name, baseline and axes"
_SHORT = ("data", "model", "training")


def packaged() -> dict[str, Path]:
    """The study files that come with the installation, by name."""
    folder = Path(str(resources.files("search_spaces")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(argument: str) -> Path:
    """The YAML file that a study argument means: a path, a study directory, a packaged name, or that of a study here.

    Raises:
        RequestError: if there is none; the message names the nearest packaged study.
    """
    path = Path(argument)
    if path.suffix in (".yaml", ".yml"):
        if path.is_file():
            return path
        raise RequestError(f"{argument}: there is no such file")
    if (directory := folder(argument)) is not None:
        return directory / STUDY_YAML
    known = packaged()
    if argument in known:
        return known[argument]
    raise RequestError(
        f"{argument!r} is neither a study file, a study directory nor a packaged study{near(argument, known)} "
        f"packaged: {', '.join(known)}"
    )


def folder(argument: str) -> Path | None:
    """The study directory that an argument is, or that it names in `./studies`, where a packaged study goes first."""
    places = [Path(argument)] if argument in packaged() else [Path(argument), Path("studies") / argument]
    return next((place for place in places if (place / STUDY_YAML).is_file()), None)


def read(path: Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The study file's content with the overrides merged in and interpolations resolved.

    Raises:
        RequestError: if the file is not YAML, not a mapping, or an override is malformed.
    """
    try:
        loaded = OmegaConf.load(path)
    except (yaml.YAMLError, OmegaConfBaseException, UnicodeDecodeError) as error:
        raise RequestError(f"{path}: not a YAML study file: {_first_line(error)}") from error
    except OSError as error:
        # OmegaConf reports content that is neither a mapping nor a list as an OSError without a number.
        problem = f"cannot be read: {error.strerror}" if error.errno else _NO_MAPPING
        raise RequestError(f"{path}: {problem}") from error
    content = OmegaConf.to_container(loaded, resolve=False)
    if not isinstance(content, dict) or not content:
        raise RequestError(f"{path}: {_NO_MAPPING}")
    tree: dict[str, Any] = {str(key): value for key, value in content.items()}
    for key in (*_HEADER, _STORAGE):
        tree.pop(key, None)
    for text in overrides:
        _override(tree, text)
    return _resolve(tree, path)


def header(path: Path) -> dict[str, str]:
    """The uid and the branch that a study directory's file carries beside the study, and its storage, if it has one.

    Raises:
        RequestError: if it carries none, so that the file was not written by `ablate run`.
    """
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = {key: str(tree[key]) for key in (*_HEADER, _STORAGE) if isinstance(tree, dict) and key in tree}
    if not set(_HEADER) <= set(found):
        raise RequestError(f"{path}: has no uid and branch, so it was not written by ablate run; restore or remove it")
    return found


def _override(tree: dict[str, Any], text: str) -> None:
    key, equals, value_text = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RequestError(f"{text!r} is not an override; write path=value, for instance baseline.training.epochs=2")
    if key.split(".")[0] in _SHORT:
        key = f"baseline.{key}"
    *parents, last = key.split(".")
    node: Any = tree
    for depth, part in enumerate(parents):
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            path = ".".join(parents[: depth + 1])
            raise RequestError(f"{key}: {path} is a value, not a section; set it whole: {path}=...")
    _assign(node, last, _parse(key, value_text), key)


def _assign(node: dict[str, Any], last: str, value: Any, path: str) -> None:
    present = node.get(last)
    if path in _SECTIONS and isinstance(present, dict) and isinstance(value, dict):
        for key, inner in value.items():
            _assign(present, str(key), inner, f"{path}.{key}")
    else:
        node[last] = value


def _parse(key: str, text: str) -> Any:
    try:
        parsed = OmegaConf.to_container(OmegaConf.create(f"value: {text}"), resolve=False)
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise RequestError(f"{key}: {text!r} is not a YAML value: {_first_line(error)}") from error
    return parsed["value"] if isinstance(parsed, dict) and set(parsed) == {"value"} else text


def _resolve(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    # Resolvers such as oc.env would make one file mean different things on two machines, and could carry a key
    # into a configuration; plain references between fields are all a study file needs.
    if resolver := re.search(r"\$\{\s*[\w.]+:[^}]*\}", yaml.safe_dump(tree)):
        raise RequestError(f"{path}: {resolver.group()} calls a resolver; only references to other fields are allowed")
    try:
        resolved = OmegaConf.to_container(OmegaConf.create(tree), resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise RequestError(f"{path}: {_first_line(error)}") from error
    assert isinstance(resolved, dict)
    return {str(key): value for key, value in resolved.items()}


def _first_line(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    return (str(error).splitlines() or [type(error).__name__])[0]
