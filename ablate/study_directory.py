"""One study, one directory: where things lie in it, what it was started with, and what may be added."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ablate import config, database, design, identity, sections, study_file
from ablate.config import Study
from ablate.errors import RequestError
from ablate.files import write_atomically

MAIN = "main"
JOURNAL = "journal.log"


@dataclass(frozen=True)
class StudyDirectory:
    """A study on disk; `uid` was drawn when it was created and outlives every move of the folder."""

    path: Path
    study: Study
    uid: str
    branch: str
    storage: str | None = field(default=None, repr=False)
    """URL of the database that holds its ledger instead of the journal, in full: it may hold a password."""

    @property
    def report(self) -> Path:
        return self.path / "report"

    def run(self, run_id: str) -> Path:
        return self.path / "runs" / run_id

    def study_text(self) -> str:
        """The resolved study as a file that `ablate run` reads, without what only says where runs happen."""
        tree = self.study.plain()
        tree["baseline"]["data"].pop("root")
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True)


def place(study: Study, *, directory: str | None, branch: str = MAIN) -> Path:
    """Where a study lives: exactly `directory`, else `studies/<name>`, a branch beside it as `<name>@<branch>`.

    Raises:
        RequestError: if the branch's name could lead out of that folder.
    """
    if not sections.is_path_name(branch):
        raise RequestError(f"--branch {branch!r}: not a name of a branch; {sections.PATH_NAME}")
    if directory is not None:
        return Path(directory)
    return Path("studies") / (study.name if branch == MAIN else f"{study.name}@{branch}")


def locate(argument: str, directory: str | None = None) -> Path:
    """The directory of a study that exists.

    Args:
        argument: a study directory, or the name or file of a study that was run here.
        directory: the `--dir` that it was run with, if any.

    Raises:
        RequestError: if it was never run.
    """
    if directory is not None:
        candidates = [Path(directory)]
    else:
        candidates = [Path(argument), Path("studies") / argument]
        if Path(argument).suffix in (".yaml", ".yml") and (Path(argument).name != study_file.STUDY_YAML):
            candidates.append(place(config.load(argument), directory=None))
    for candidate in candidates:
        if (candidate / study_file.STUDY_YAML).is_file():
            return candidate
    ran = sorted(path.parent.name for path in Path("studies").glob(f"*/{study_file.STUDY_YAML}"))
    if argument in study_file.packaged():
        raise RequestError(f"{argument}: has not been run here; start it with: ablate run {argument}")
    known = f"studies here: {', '.join(ran)}" if ran else "there are none in ./studies"
    raise RequestError(f"{argument}: no study directory{study_file.near(argument, ran)} {known}")


def read(path: Path, *, storage: str | None = None) -> StudyDirectory:
    """The study in a directory.

    Args:
        path: the directory.
        storage: URL of its database, if that is to be given with a password.

    Raises:
        RequestError: if its study file is unreadable or no longer valid, or the storage is another one.
    """
    file = path / study_file.STUDY_YAML
    tree = study_file.read(file)
    header = study_file.header(file)
    url = _storage(path, header.get("storage"), storage)
    return StudyDirectory(path, config.parse(tree, where=str(file)), header["uid"], header["branch"], url)


def settle(path: Path, study: Study, *, branch: str = MAIN, storage: str | None = None) -> StudyDirectory:
    """The directory that `study` may run in: a new one, or an existing one it only adds to. Nothing is written.

    Args:
        path: the directory.
        study: what is to run there.
        branch: of a new directory.
        storage: URL of a database for a new one; of an existing one the same, for instance with a password.

    Raises:
        RequestError: if the directory holds another study, or this one with settings that differ.
    """
    try:
        fresh = not (path / study_file.STUDY_YAML).exists()
    except OSError as error:
        raise RequestError(f"--dir {str(path)[:60]}...: {error.strerror}; use a shorter one") from error
    if fresh:
        if path.exists() and not (path.is_dir() and all(map(_of_a_start, path.iterdir()))):
            raise RequestError(f"--dir {path}: exists and is not a study directory; name a new or an empty one")
        return StudyDirectory(path, study, secrets.token_hex(8), branch, storage and database.parse(storage))
    present = read(path, storage=storage)
    if present.study.name != study.name:
        raise RequestError(f"{path} holds the study {present.study.name!r}, not {study.name!r}; use another --dir")
    if branch not in (MAIN, present.branch):
        raise RequestError(f"{path} holds the branch {present.branch!r}, not {branch!r}; use another --dir, or none")
    if difference := next(_differences(present.study, study), None):
        where, old, new = difference
        suggestion = new if new.isidentifier() else "NAME"
        raise RequestError(
            f"{path} was run with {where}={old}, now it is {new}. "
            f"Run it beside the old one (--branch {suggestion}), or into another directory (--dir)."
        )
    return replace(present, study=study)


def require_writable(path: Path) -> None:
    """See that a study can be written at `path`. Nothing is written.

    Raises:
        RequestError: if a file or a missing permission stands in the way.
    """
    try:
        nearest = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    except OSError as error:
        raise RequestError(f"--dir {path}: {error.strerror}") from error
    if not nearest.is_dir():
        raise RequestError(f"--dir {path}: {nearest} is a file, not a folder")
    if not os.access(nearest, os.W_OK):
        raise RequestError(f"--dir {path}: {nearest} is not writable")


def save(directory: StudyDirectory) -> None:
    """Write `study.yaml`: the resolved study, with the uid and the branch.

    Raises:
        RequestError: if another process began a study there since it was settled, or changed it so that it does not
            fit any more.
    """
    directory.path.mkdir(parents=True, exist_ok=True)
    if (directory.path / study_file.STUDY_YAML).exists():
        present = settle(directory.path, directory.study, storage=directory.storage)
        if present.uid != directory.uid:
            raise RequestError(f"{directory.path}: another process began a study here meanwhile; run again")
    header = {"uid": directory.uid, "branch": directory.branch}
    if directory.storage is not None:
        header["storage"] = database.shown(directory.storage)
    tree = header | directory.study.plain()
    write_atomically(directory.path / study_file.STUDY_YAML, yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def _of_a_start(file: Path) -> bool:
    """Whether a start that was stopped before the study file was there may have left this: a lock, an empty journal."""
    if file.name == JOURNAL:
        return file.stat().st_size == 0
    return file.name.startswith((".preflight-", "lock.", ".lock-", f".{study_file.STUDY_YAML}."))


def _storage(path: Path, kept: str | None, given: str | None) -> str | None:
    """The full URL of a study's database; the one in its file has no password."""
    if given is None:
        return kept and database.parse(kept)
    url = database.parse(given)
    if kept != database.shown(url):
        was = kept or "its journal file"
        raise RequestError(f"{path}: its runs are in {was}, not in --storage {database.shown(url)}; use another --dir")
    return url


def _differences(old: Study, new: Study) -> Iterator[tuple[str, str, str]]:
    """What is not an addition: (field, old value, new value)."""
    before, after = _flat(old.plain()["baseline"]), _flat(new.plain()["baseline"])
    for path in sorted(before | after):
        if before.get(path) != after.get(path) and path not in identity.EXECUTION:
            yield f"baseline.{path}", _text(before.get(path)), _text(after.get(path))
    if old.fields.design != new.fields.design:
        yield "design", old.fields.design, new.fields.design
    if [each.pursued() for each in old.objectives] != [each.pursued() for each in new.objectives]:
        yield "objective", _text(old.plain()["objective"]), _text(new.plain()["objective"])
    if set(old.seeds) - set(new.seeds):
        yield "seeds", _text(old.plain()["seeds"]), _text(new.plain()["seeds"])
    for axis in old.axes:
        present = new.axis(axis.name)
        levels = [level.label for level in axis.levels]
        kept = [level.label for level in present.levels] if present else []
        if set(levels) - set(kept):
            yield f"axes.{axis.name}", _text(levels), _text(kept)
    yield from _changed_sections(old, new)
    if lost := {run.run_id for run in design.plan(old).runs} - {run.run_id for run in design.plan(new).runs}:
        yield "exclude", f"{len(lost)} runs more", "fewer runs"


def _changed_sections(old: Study, new: Study) -> Iterator[tuple[str, str, str]]:
    """Of a search only the budget may grow: all else decides which cells it draws. The others stay as they were."""
    for name in ("search", "tuning", "prune", "looks"):
        before: Any = old.plain().get(name) or "none"
        after: Any = new.plain().get(name) or "none"
        if name == "search" and isinstance(before, dict) and isinstance(after, dict):
            if after["trials"] < before["trials"]:
                yield "search.trials", str(before["trials"]), str(after["trials"])
            before, after = before | {"trials": 0}, after | {"trials": 0}
        if before != after:
            yield name, _text(before), _text(after)
    if new.fields.search is None:
        return
    if old.seeds != new.seeds:
        yield "seeds", _text(old.plain()["seeds"]), _text(new.plain()["seeds"])
    if old.fields.axes != new.fields.axes or old.fields.exclude != new.fields.exclude:
        yield "axes", _text(old.plain()["axes"]), _text(new.plain()["axes"])


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if (isinstance(value, Mapping) and "name" not in value) or key == "data":
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()
