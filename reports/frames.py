"""Tables as CSV files: typed columns, full precision, atomic writes, and no cell that a spreadsheet would run."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reports.schema import Kind

_FORMULA = re.compile(r"'*[=+\-@]")
_GUARDED = re.compile(r"'+[=+\-@]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+")
_BEYOND = re.compile(r"[+-]?inf")
_BREAKS = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula; `unguard` is its exact inverse."""
    return "'" + text if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _one_line(text: str) -> str:
    return _BREAKS.sub(" ", text)


def unguard(text: str) -> str:
    """Undo `guard`."""
    return text[1:] if _GUARDED.match(text) else text


def typed(frame: pd.DataFrame, columns: Mapping[str, Kind]) -> pd.DataFrame:
    """A copy with exactly typed columns in the given order, further columns behind them by name.

    Absent columns are filled with missing values: a missing metric stays missing, and an infinite one is missing too:
    no mean, interval or drawing can be made of it.

    Raises:
        ValueError: naming the column and the value that is not of its kind.
    """
    extra = sorted(set(map(str, frame.columns)) - set(columns))
    kinds = {**columns, **{name: _kind(_distinct(frame[name])[0]) for name in extra}}
    absent = pd.Series([None] * len(frame), dtype=object)
    data = {name: _column(name, frame[name] if name in frame.columns else absent, kind) for name, kind in kinds.items()}
    return pd.DataFrame(data, columns=[*kinds])


def _distinct(column: pd.Series) -> tuple[list[Any], np.ndarray | None]:
    """The values of a column, each text once, and which of them each row has; None where all are given as they are.

    Converting takes the longest, and most cells of large tables repeat: ids of runs, names of layers and metrics.
    """
    if pd.api.types.infer_dtype(column, skipna=False) != "string":
        return column.tolist(), None  # 1, 1.0 and True are equal, but not the same text
    codes, values = pd.factorize(column.to_numpy(dtype=object))
    return list(values), codes


def _column(name: str, column: pd.Series, kind: Kind) -> pd.Series:
    if kind == "float" and (found := _floats(column)) is not None:
        return pd.Series(found)
    values, codes = _distinct(column)
    if kind == "text":
        converted = pd.Series(["" if _absent(each) else _one_line(str(each)) for each in values], dtype=object)
    else:
        converted = pd.Series(_numbers(name, values, kind), dtype="float64" if kind == "float" else "Int64")
    return converted if codes is None else converted.take(codes).reset_index(drop=True)


def _floats(column: pd.Series) -> np.ndarray | None:
    """All cells at once; None where one of them is no number: they are looked at one by one, then."""
    try:
        found = column.to_numpy(dtype=object).astype(np.float64)
    except (TypeError, ValueError):
        return None
    return np.where(np.isinf(found), np.nan, found)


def _numbers(name: str, values: list[Any], kind: Kind) -> list[float | int | None]:
    convert = _float if kind == "float" else _int
    try:
        return [None if _absent(each) else convert(each) for each in values]
    except (TypeError, ValueError):
        bad = next(each for each in values if not _absent(each) and not _converts(each, kind))
        article = "a number" if kind == "float" else "an integer"
        raise ValueError(f"column {name}: {bad!r} is not {article}") from None


def _converts(value: Any, kind: Kind) -> bool:
    try:
        (_float if kind == "float" else _int)(value)
    except (TypeError, ValueError):
        return False
    return True


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or value == "" or value != value


def _float(value: Any) -> float:
    number = float(value)
    return math.nan if math.isinf(number) else number


def _int(value: Any) -> int:
    if isinstance(value, str):
        return int(value)
    if int(value) != value:
        raise ValueError(value)
    return int(value)


def _kind(values: list[Any]) -> Kind:
    """Kind of a column nobody declared: the narrowest that holds all its values."""
    present = [str(each) for each in values if not _absent(each)]
    if present and all(_INTEGER.fullmatch(each) for each in present):
        return "int"
    finite = [each for each in present if not _BEYOND.fullmatch(each)]
    return "float" if finite and all(_NUMBER.fullmatch(each) for each in finite) else "text"


def to_csv(frame: pd.DataFrame) -> str:
    """The frame as CSV text: `\\n` line ends, shortest exact floats, empty cells for missing values."""
    guarded = frame.copy()
    for name in guarded.columns:
        if not pd.api.types.is_numeric_dtype(guarded[name]):
            guarded[name] = guarded[name].map(lambda each: guard(_one_line(each)) if isinstance(each, str) else each)
    guarded.columns = pd.Index([guard(str(name)) for name in guarded.columns])
    return guarded.to_csv(index=False, lineterminator="\n")


def read_csv(path: Path, required: Iterable[str]) -> pd.DataFrame:
    """All cells of a CSV file as text.

    Raises:
        ValueError: one line naming the file, when it is absent, torn, not a table or lacks a required column.
    """
    text = read_text(path)
    if not text.endswith("\n"):
        raise ValueError(f"{path}: its last line is incomplete; the file is torn")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            frame = pd.read_csv(file, dtype=object, keep_default_na=False, na_filter=False, index_col=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path}: not a table: {' '.join(str(error).split())}") from None
    frame.columns = pd.Index([unguard(name) for name in frame.columns])
    lacking = [name for name in required if name not in frame.columns]
    if lacking:
        raise ValueError(f"{path}: column {lacking[0]} is missing; it has {', '.join(frame.columns)}")
    return frame.map(unguard) if "'" in text else frame


def read_text(path: Path) -> str:
    """Text of a file, or a one-line ValueError that names it."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ValueError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: cannot be read as text: {error}") from None


def write_text(path: Path, text: str) -> Path:
    """Write a text file as UTF-8 with `\\n` line ends; as `write_bytes`."""
    return write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Raises:
        OSError: if it cannot be written, naming it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        # A full disk's error names no file, and that of a rename the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
