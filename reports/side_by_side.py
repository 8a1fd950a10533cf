"""Several studies side by side: the same question on several data sets, each study with its own verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.analyses.forest import forest
from reports.effects import conditions, effects
from reports.matching import axis_of, levels_of
from reports.results import StudyResults
from reports.statistics.verdict import DECIDED

CONSISTENT = "consistent"
COLUMNS = (
    "axis", "level", "reference", "study", "data", "margin", "seeds", "difference", "ci_low", "ci_high", "p_adjusted",
    "verdict", "agreement",
)  # fmt: skip
_KEY = ["axis", "level", "reference"]


def side_by_side(studies: Sequence[StudyResults]) -> tuple[Card, ...]:
    """Cards of the contrasts that at least two studies have, with what they agree on; studies in the given order.

    Raises:
        ValueError: one line: a study that is there twice, or no contrast that two of them have.
    """
    require_comparable(studies)
    names = names_of(studies)
    every = _contrasts(studies, names)
    rows = agreements(every)
    axes = tuple(dict.fromkeys(rows["axis"]))
    return _overview(studies, names, rows, every), *(_axis(axis, rows, names) for axis in axes)


def require_comparable(studies: Sequence[StudyResults]) -> None:
    """See that `side_by_side` has something to show, by what the studies ask; no effect is computed.

    Raises:
        ValueError: as `side_by_side`.
    """
    _check_twice(studies)
    asked = Counter(contrast for study in studies for contrast in _asked(study))
    if max(asked.values(), default=0) < 2:
        said = "; ".join(f"{name}: {_asks(study)}" for name, study in zip(names_of(studies), studies, strict=True))
        raise ValueError(f"no two of these studies have a contrast in common ({said})")


def agreements(contrasts: pd.DataFrame) -> pd.DataFrame:
    """The contrasts that at least two studies have, those of one contrast together: `COLUMNS`."""
    groups = [group for _, group in contrasts.groupby(_KEY, sort=False) if len(group) > 1]
    found = [group.assign(agreement=agreement(list(group["verdict"]))) for group in groups]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=[*COLUMNS])


def agreement(verdicts: Sequence[str]) -> str:
    """`consistent: better` only where every study's own verdict is the same; else who found what, of how many."""
    counts, m = Counter(each for each in verdicts if each in DECIDED), len(verdicts)
    if not counts:
        return f"decided in 0 of {m}"
    if max(counts.values()) == m:
        return f"{CONSISTENT}: {verdicts[0]}"
    return ", ".join(f"{verdict} in {counts[verdict]} of {m}" for verdict in DECIDED if counts[verdict])


def names_of(studies: Sequence[StudyResults]) -> tuple[str, ...]:
    """A name for each study that no other has: with its branch, its data set or its place in the list if need be."""
    names = [str(each.study["name"]) for each in studies]
    extra = [
        [f"@{each.study['branch']}" if each.study.get("branch", "main") != "main" else "" for each in studies],
        [f" ({each.study['data'].get('name', 'unnamed data')})" for each in studies],
        [f" [{at}]" for at in range(1, len(studies) + 1)],
    ]
    for more in extra:
        telling = {name for name in names if len({m for n, m in zip(names, more, strict=True) if n == name}) > 1}
        names = [name + added if name in telling else name for name, added in zip(names, more, strict=True)]
    return tuple(names)


def _check_twice(studies: Sequence[StudyResults]) -> None:
    seen = set()
    for study in (each.study for each in studies):
        uid = study.get("uid"), study.get("branch")
        if uid[0] and uid in seen:
            raise ValueError(f"{study['name']} is there twice (uid {uid[0]}): a study cannot agree with itself")
        seen.add(uid)


def _contrasts(studies: Sequence[StudyResults], names: Sequence[str]) -> pd.DataFrame:
    """Every contrast of every study, the axes and levels in the order in which they come first."""
    frames = []
    for study, name in zip(studies, names, strict=True):
        data = study.study["data"].get("name", "unnamed data")
        frames.append(effects(study).assign(study=name, data=data, agreement=""))
    rows = pd.concat([frame.astype(object) for frame in frames], ignore_index=True)
    numbers = ["margin", "difference", "ci_low", "ci_high", "p_adjusted"]
    rows[numbers] = rows[numbers].astype("float64")
    order = {axis: at for at, axis in enumerate(dict.fromkeys(rows["axis"]))}
    return rows.sort_values("axis", key=lambda axes: axes.map(order), kind="stable")[[*COLUMNS]].reset_index(drop=True)


def _asked(results: StudyResults) -> set[tuple[str, str, str]]:
    """The contrasts of a study as `_KEY` has them: a row of `effects.csv` each, whatever became of its runs."""
    if results.study["design"] == "search":
        return set()
    axes = [axis_of(results, axis) for axis in results.axes]
    return {(axis["name"], level, axis["reference"]) for axis in axes for level in levels_of(axis)}


def _asks(study: StudyResults) -> str:
    if study.study["design"] == "search":
        return "a search, whose cells are no pairs"
    asked = [f"{axis} against {axis_of(study, axis)['reference']}" for axis in study.axes]
    return wording.listing(asked)


def _overview(studies: Sequence[StudyResults], names: Sequence[str], rows: pd.DataFrame, every: pd.DataFrame) -> Card:
    records = [_described(*each) for each in zip(studies, names, strict=True)]
    frame = pd.DataFrame(records)
    headers = tuple(frame.columns)
    numeric = tuple(name in ("test samples", "cells", "seeds") for name in headers)
    table = Table(headers, tuple(tuple(map(str, record.values())) for record in records), numeric,
                  caption="The studies that stand side by side.")  # fmt: skip
    shared = rows.drop_duplicates(_KEY)
    alike = [
        f"{row['axis']}={row['level']} {row['verdict']} than {row['reference']}".replace(
            "equivalent than", "equivalent to"
        )
        for row in shared.to_dict("records")
        if row["agreement"].startswith(CONSISTENT)
    ]
    prose = (
        f"{len(studies)} studies, "
        f"{wording.count(len(shared), 'contrast')} that at least two of them have; {len(alike)} of these "
        f"{'is' if len(alike) == 1 else 'are'} consistent{': ' if alike else ''}{'; '.join(alike)}.",
        "Each study keeps its own seeds, test set, family and verdict. Consistent means that every study's own verdict "
        "is the same one; undecided agrees with nothing. No mean over the studies is formed: their data sets are no "
        "sample of anything.",
    )
    notes = (*_differing(studies, names), *_alone(every, rows))
    return Card("side-by-side", "What stands side by side", prose, frame, table, notes)


def _described(results: StudyResults, name: str) -> dict[str, str]:
    study = results.study
    test = study["data"].get("test")
    return {
        "study": name, "data": str(study["data"].get("name", "unnamed data")),
        "test samples": f"{test:,}" if test else wording.MISSING, "design": str(study["design"]),
        "cells": str(len(study["cells"])), "seeds": str(len(study["seeds"])),
        "margin": _margin(results),
        "protocol": str(study["protocol"]),
    }  # fmt: skip


def _differing(studies: Sequence[StudyResults], names: Sequence[str]) -> list[str]:
    """What makes the studies' questions less than the same."""
    notes = []
    for name, study in zip(names, studies, strict=True):
        if study.study["design"] == "search":
            notes.append(f"{name} is a search: its cells are no pairs, so it has no contrasts.")
    tested = [pair for pair in zip(names, studies, strict=True) if pair[1].study["design"] != "search"]
    by_data: dict[str, list[str]] = {}
    for name, study in tested:
        by_data.setdefault(str(study.study["data"].get("name")), []).append(name)
    notes += [
        f"{wording.listing(same)} are on the same data ({data}): what they agree on is no agreement over data sets."
        for data, same in by_data.items()
        if len(same) > 1
    ]
    margins = {name: _margin(each) for name, each in tested}
    notes += _unequal("Margins differ, so 'equivalent' is not the same claim", margins)
    notes += _unequal("Protocols differ", {name: str(each.study["protocol"]) for name, each in tested})
    notes += _unequal("What verdicts are conditional on differs", {name: conditions(each) for name, each in tested})
    for axis in dict.fromkeys(axis for _, study in tested for axis in study.axes):
        references = {name: str(axis_of(each, axis)["reference"]) for name, each in tested if axis in each.axes}
        notes += _unequal(
            f"{axis}: references differ, so its contrasts do not stand side by side, and those of the other axes are "
            "around different baselines", references,
        )  # fmt: skip
    return notes


def _margin(results: StudyResults) -> str:
    return wording.margin(results.study["objective"].get("margin")).removeprefix("margin ")


def _unequal(what: str, values: dict[str, str]) -> list[str]:
    if len(set(values.values())) < 2:
        return []
    return [f"{what}: {'; '.join(f'{value} in {name}' for name, value in values.items())}."]


def _alone(every: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """The contrasts that only one study has."""
    shared = set(zip(*(rows[column] for column in _KEY), strict=True))
    alone: dict[str, list[str]] = {}
    for row in every.to_dict("records"):
        if (row["axis"], row["level"], row["reference"]) in shared:
            continue
        elsewhere = every[(every["axis"] == row["axis"]) & (every["level"] == row["level"])]
        against = f" against {row['reference']}" if len(elsewhere) > 1 else ""
        alone.setdefault(row["study"], []).append(f"{row['axis']}={row['level']}{against}")
    return [f"Only in {name}: {', '.join(contrasts)}." for name, contrasts in alone.items()]


def _axis(axis: str, rows: pd.DataFrame, names: Sequence[str]) -> Card:
    frame = rows[rows["axis"] == axis].reset_index(drop=True)
    references = list(dict.fromkeys(frame["reference"]))
    one = len(references) == 1
    there = [name for name in names if name in set(frame["study"])]
    table_rows = []
    for (level, reference), group in frame.groupby(["level", "reference"], sort=False):
        own = {row["study"]: row for row in group.to_dict("records")}
        cells = [level if one else f"{level} against {reference}"]
        for name in there:
            row = own.get(name)
            cells += (
                [wording.points(row["difference"], row["ci_low"], row["ci_high"]), row["verdict"]] if row else ["", ""]
            )
        table_rows.append((*cells, group["agreement"].iloc[0]))
    headers = ["level", *(f"{name}: {what}" for name in there for what in ("difference, points (95 % CI)", "verdict"))]
    numeric = (False, *(True, False) * len(there), False)
    title = f"{axis}, against {references[0]}" if one else axis
    caption = (
        f"Levels of {axis} in each study: difference to the reference paired by seed block, with unadjusted 95 % "
        "intervals, its verdict, and whether the studies' verdicts agree."
    )
    consistent = sum(row[-1].startswith(CONSISTENT) for row in table_rows)
    said = (
        f"Of {wording.count(len(table_rows), 'contrast')} that at least two studies have, {consistent} "
        f"{'is' if consistent == 1 else 'are'} consistent."
    )
    return Card(
        f"agreement-{axis}", title, (said,), frame,
        Table((*headers, "agreement"), tuple(table_rows), numeric, caption=caption),
        figure=_figure(frame) if one else None,
    )  # fmt: skip


def _figure(frame: pd.DataFrame) -> Any:
    records = [{**row, "level": f"{row['level']}, {row['study']}"} for row in frame.to_dict("records")]
    margins = set(frame["margin"].dropna())
    return forest(records, margins.pop() if len(margins) == 1 and frame["margin"].notna().all() else None)
