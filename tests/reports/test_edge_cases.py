"""Studies at the edge through the whole guide, in every format: a guide that says what is missing, never `nan`."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest
from synthetic_studies import factorial, one_factor

from reports.effects import effects
from reports.guide import cards, text_tables, write_guide
from reports.results import StudyResults

BASELINE = {"residual": "sresnet"}
REFERENCE = [0.90, 0.92, 0.91, 0.93, 0.92]
LEVEL = [0.87, 0.90, 0.87, 0.90, 0.89]
NOT_A_NUMBER = re.compile(r"\b(nan|NaN|[Ii]nf|NaT|None|NA)\b(?!: the rows support)")
HOSTILE = ("=1+1", "-x", "+x", "@x", "a|b", "a,b;c", 'say "so"', "don't", "<b>&amp;", "$x_{1}^2$", "50 %", "#1", "~^\\",
           "`x`", "*x*", "[x](http://y)", "!x", "tab\tbreak\nend", "\x1b[31m", "Straße Ω 漢 🙂", "\u202egnirts",
           "{{ x }}", "..", "a/b", "nul.tex", "x" * 200)  # fmt: skip


def study(reference: list[float | str], level: list[float | str], **changes: object) -> StudyResults:
    return one_factor({"baseline": {"": reference}, "residual": {"plain": level}}, baseline=BASELINE, **changes)


def without_columns() -> StudyResults:
    """Of every run only what identifies it and its accuracy."""
    full = study(REFERENCE, LEVEL)
    kept = ["run_id", "cell_id", "cell", "seed", "status", "reason", "attempts", "residual", "test_accuracy"]
    return dataclasses.replace(full, runs=full.runs[kept])


def with_details(value: float, energy: float = float("nan")) -> StudyResults:
    """A study whose curves, layers and costs are all one number."""
    full = study(REFERENCE, LEVEL, metrics={"energy_nj": energy, "synops": value, "firing_rate": value})
    ids = full.runs["run_id"].tolist()
    curves = [{"run_id": each, "epoch": 0, "split": "val", "metric": "accuracy", "value": value} for each in ids]
    layers = [{"run_id": each, "layer": "stem", "firing_rate": value, "synops": value} for each in ids]
    return dataclasses.replace(full, curves=pd.DataFrame(curves), layers=pd.DataFrame(layers))


EDGES = {
    "one seed": lambda: study([0.9], [0.8]),
    "two seeds": lambda: study([0.9, 0.91], [0.8, 0.82]),
    "one level": lambda: one_factor({"baseline": {"": REFERENCE}}, baseline=BASELINE),
    "no complete run": lambda: study(["missing"] * 3, ["missing"] * 3),
    "every run failed": lambda: study(["out of memory"] * 3, ["out of memory"] * 3),
    "every run diverged": lambda: study(["diverged at epoch 1"] * 5, ["diverged at epoch 2"] * 5),
    "every run pruned": lambda: study(["pruned"] * 3, ["pruned"] * 3),
    "all tied": lambda: study(REFERENCE, REFERENCE),
    "all at zero": lambda: study([0.0] * 5, [0.0] * 5),
    "forty levels": lambda: one_factor(
        {"baseline": {"": REFERENCE},
         "residual": {f"level{at}": [each - at / 100 for each in LEVEL] for at in range(40)}},
        baseline=BASELINE,
    ),
    "metrics without a number": lambda: study([float("nan")] * 5, [float("nan")] * 5),
    "missing columns": without_columns,
    "details without a number": lambda: with_details(float("nan")),
    "infinite details": lambda: with_details(float("inf"), float("inf")),
    "no classes, no sizes": lambda: dataclasses.replace(
        full := study(REFERENCE, [0.8, "diverged at epoch 1", 0.8, 0.9, "killed"]), study={**full.study, "data": {}}
    ),
    "an axis with one level beside another": lambda: one_factor(
        {"baseline": {"": REFERENCE}, "residual": {"plain": LEVEL}}, baseline={**BASELINE, "norm": "bn"}
    ),
    "factorial with one seed": lambda: factorial(
        {("a", "x"): [0.9], ("b", "x"): [0.8], ("a", "y"): [0.7], ("b", "y"): ["killed"]},
        {"one": ["a", "b"], "two": ["x", "y"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("edge", EDGES)
def test_a_guide_says_so_in_every_format(edge: str, tmp_path: Path) -> None:
    results = EDGES[edge]()

    assert [card.reason for card in cards(results) if card.status == "failed"] == []
    texts = {path.name: _read(path) for path in write_guide(results, tmp_path) if path.suffix in _TEXT}
    texts["terminal"] = text_tables(results)
    found = {name: _around(text) for name, text in texts.items() if NOT_A_NUMBER.search(text)}
    assert found == {}


_TEXT = {".md", ".tex", ".html", ".json", ".csv", ".svg"}


def _read(path: Path) -> str:
    """What a reader is shown: of a page neither programs nor styles."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def _around(text: str) -> list[str]:
    return [text[max(found.start() - 60, 0) : found.end() + 30] for found in NOT_A_NUMBER.finditer(text)]


@pytest.mark.parametrize("name", [*HOSTILE, "nan", "None", "inf", "NA", "null", "True", "1e5"])
def test_any_name_of_a_level_survives_files_and_guide(name: str, tmp_path: Path) -> None:
    values = {"baseline": {"": REFERENCE}, "residual": {name: LEVEL}}
    results = one_factor(values, baseline=BASELINE)
    results.write(tmp_path)
    again = StudyResults.read(tmp_path)

    assert [card.reason for card in cards(again) if card.status == "failed"] == []
    assert effects(again)["verdict"].tolist() == effects(results)["verdict"].tolist() == ["worse"]
    for path in write_guide(again, tmp_path / "guide"):
        assert path.resolve().is_relative_to((tmp_path / "guide").resolve())
    assert "\x1b" not in text_tables(again)
