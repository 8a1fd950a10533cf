"""Whether the runs of a study bear its claims out: one-sided paired tests, the claims of one file as one family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.claims.grammar import parse
from reports.claims.subject import Subject, subject
from reports.effects import conditions
from reports.family import VERDICT_METRIC, Sides, rules_of
from reports.looks import AxisLooks
from reports.outcomes import Outcomes, State
from reports.results import StudyResults
from reports.schema import OPEN
from reports.statistics import paired
from reports.statistics.holm import holm
from reports.statistics.paired import Floats, Moments
from reports.statistics.verdict import ALPHA, NOT_TESTABLE, UNDECIDED

HOLDS, REFUTED = "holds", "refuted"
_OPPOSITE, _NEITHER = "the test of the opposite rejects", "the data decide neither the claim nor its opposite"
_PLAIN = ("", _OPPOSITE, _NEITHER)
_UNMATCHED = "no two cells of the design have these levels, fulfil the conditions and are alike otherwise"
_ALONE = "p stands as it is, for the file makes one claim"
_COLUMNS = (
    "name", "claim", "axis", "level", "other", "outcome", "reason", "cells", "seeds", "difference", "ci_low", "ci_high",
    "ci90_low", "ci90_high", "p_value", "p_adjusted", "p_against", "p_against_adjusted", "family_size", "runs",
)  # fmt: skip


def evaluate(claims: Mapping[str, str], results: StudyResults) -> Card:
    """The outcome of every claim of a file.

    Args:
        claims: name -> sentence, in the order of the file; a claim without a name is its own.
        results: of the study.

    The frame's columns: name, claim, axis, level, other, outcome, reason; cells (matched pairs), seeds (blocks);
    difference (level minus other) with its 95 % and 90 % intervals, at a declared look the repeated ones; p_value of
    the claim and p_against of its opposite, each with Holm's adjustment over the file; family_size; runs (ids of those
    the difference is made of).

    Raises:
        ValueError: one line with the first claim that says nothing about this study.
    """
    subjects = [subject(parse(sentence), results) for sentence in claims.values()]
    outcomes = Outcomes.of(results, VERDICT_METRIC)
    sides = [Sides.of(each.match, outcomes, outcomes.value, outcomes.value) for each in subjects]
    looks = [AxisLooks.of(results, each.axis) for each in subjects]
    tests = _Tests.of(subjects, sides, looks)
    low, high = paired.interval(tests.moments, _confidence(looks, sides=2))
    inner_low, inner_high = paired.interval(tests.moments, _confidence(looks, sides=1))
    rows = []
    for at, (name, asked) in enumerate(zip(claims, subjects, strict=True)):
        outcome, reason = _outcome(at, subjects, sides, tests, outcomes, looks)
        rows.append({
            "name": name, "claim": asked.claim.text, "axis": asked.axis, "level": asked.level, "other": asked.other,
            "outcome": outcome, "reason": reason, "cells": sides[at].pairs, "seeds": int(tests.moments.n[at]),
            "difference": tests.moments.mean[at], "ci_low": low[at], "ci_high": high[at],
            "ci90_low": inner_low[at], "ci90_high": inner_high[at],
            "p_value": tests.p[at], "p_adjusted": tests.p_adjusted[at],
            "p_against": tests.against[at], "p_against_adjusted": tests.against_adjusted[at],
            "family_size": len(subjects), "runs": " ".join(_runs(asked, sides[at], outcomes, results)),
        })  # fmt: skip
    frame = pd.DataFrame(rows, columns=[*_COLUMNS])
    title = f"{wording.count(len(frame), 'claim')} about {results.study['name']}, {VERDICT_METRIC}"
    return Card(
        "claims", title, (_sentence(frame),), frame, _table(frame), tuple(_notes(frame, subjects, looks, results))
    )


@dataclass(frozen=True)
class _Tests:
    """The tests of all claims, for and against, `[claims]` each."""

    moments: Moments
    p: Floats
    p_adjusted: Floats
    against: Floats
    against_adjusted: Floats

    @classmethod
    def of(cls, subjects: Sequence[Subject], sides: Sequence[Sides], looks: Sequence[AxisLooks]) -> _Tests:
        differences = np.stack([each.differences for each in sides])
        of = paired.moments(differences, np.array([each.scale for each in sides]))
        limits = np.array([[each.low, each.high] for each in subjects])
        # A claim with two limits needs both one-sided tests, so the larger p; its opposite has two ways to be true, so
        # twice the smaller one.
        within, beyond = np.full_like(limits, np.nan), np.full_like(limits, np.nan)
        for side, inwards in enumerate((True, False)):
            there = np.isfinite(limits[:, side])
            limit = np.where(there, limits[:, side], 0.0)
            inside, outside = (
                _repeated(paired.one_sided(of, limit, greater=greater), looks) for greater in (inwards, not inwards)
            )
            within[:, side], beyond[:, side] = np.where(there, inside, -np.inf), np.where(there, outside, np.inf)
        p = within.max(axis=1)
        against = np.minimum(beyond.min(axis=1) * np.isfinite(limits).sum(axis=1), 1.0)
        return cls(of, p, holm(p), against, holm(against))

    def outcome(self, at: int) -> tuple[str, str]:
        of = self.moments
        if of.n[at] < 2:
            blocks = "is 1" if of.n[at] == 1 else f"are {of.n[at]}"
            return NOT_TESTABLE, f"a paired test needs 2 seed blocks with all matched runs, there {blocks}"
        if of.degenerate[at]:
            return UNDECIDED, f"no spread: all {of.n[at]} seed blocks show the same difference, so no test exists"
        if self.p_adjusted[at] <= ALPHA:
            return HOLDS, ""
        if self.against_adjusted[at] <= ALPHA:
            return REFUTED, _OPPOSITE
        return UNDECIDED, _NEITHER


def _repeated(p: Floats, looks: Sequence[AxisLooks]) -> Floats:
    """One-sided p values, of a declared look those that are valid at every look."""
    rows = [p[[at]] if each.stage is None else each.stage.one_sided(p[[at]]) for at, each in enumerate(looks)]
    return np.concatenate(rows)


def _confidence(looks: Sequence[AxisLooks], *, sides: int) -> Floats:
    """Of the interval that a test with so many sides looks at, `[claims]`; of a declared look the repeated one."""
    levels = [ALPHA if each.stage is None else each.stage.alpha(ALPHA, sides=sides) for each in looks]
    return 1 - np.array(levels) * 2 / sides


def _outcome(
    at: int,
    subjects: Sequence[Subject],
    sides: Sequence[Sides],
    tests: _Tests,
    outcomes: Outcomes,
    looks: Sequence[AxisLooks],
) -> tuple[str, str]:
    """Outcome and reason after the bounds: what flips with lost runs at a limit of accuracy is undecided."""
    match = subjects[at].match
    if not match.pairs:
        why = f"excluded: {', '.join(match.excluded)}" if match.excluded else _UNMATCHED
        return NOT_TESTABLE, why
    outcome, reason = tests.outcome(at)
    if outcome in (HOLDS, REFUTED) and looks[at].exploratory is not None:
        return UNDECIDED, f"{outcome} in these runs taken alone, which is exploratory: {looks[at].reason}"
    lost = sum(outcomes.count((pair[side] for pair in match.pairs), State.LOST)[0] for side in (0, 1))
    if outcome not in (HOLDS, REFUTED) or not lost:
        return outcome, reason
    for bound in Sides.bounds(match, outcomes):
        other, _ = _Tests.of(subjects, [*sides[:at], bound, *sides[at + 1 :]], looks).outcome(at)
        if other != outcome:
            runs = wording.count(lost, "lost run")
            return UNDECIDED, f"{outcome} without the {runs}, {other} with them at a limit of accuracy"
    return outcome, reason


def _runs(asked: Subject, sides: Sides, outcomes: Outcomes, results: StudyResults) -> list[str]:
    """Ids of the runs whose values the difference is made of, the level's first."""
    of = {(run.cell_id, run.seed): str(run.run_id) for run in results.runs.itertuples()}
    used = np.flatnonzero(~np.isnan(sides.differences))
    cells = [
        pair
        for pair in asked.match.pairs
        if not np.isnan(outcomes.value[[outcomes.rows[x] for x in pair]][:, used]).any()
    ]
    ids = [of[(pair[side], outcomes.seeds[at])] for side in (0, 1) for pair in cells for at in used]
    return list(dict.fromkeys(ids))


def _sentence(frame: pd.DataFrame) -> str:
    found = list(frame["outcome"])
    if len(found) == 1:
        return f"The claim {found[0]}." if found[0] == HOLDS else f"The claim is {found[0]}."
    counts = [(found.count(each), each) for each in (HOLDS, REFUTED, UNDECIDED, NOT_TESTABLE) if each in found]
    said = [
        f"{count} {'hold' if count > 1 else 'holds'}"
        if each == HOLDS
        else f"{count} {'are' if count > 1 else 'is'} {each}"
        for count, each in counts
    ]
    return f"Of {len(found)} claims {wording.listing(said)}."


def _table(frame: pd.DataFrame) -> Table:
    headers = (
        "claim",
        "outcome",
        "difference, points (90 % CI)",
        "seed blocks",
        "cells",
        "p (Holm)",
        "p against (Holm)",
    )
    rows = tuple(
        (row["name"], row["outcome"], wording.points(row["difference"], row["ci90_low"], row["ci90_high"]),
         str(row["seeds"]), str(row["cells"]), wording.p_value(row["p_adjusted"]),
         wording.p_value(row["p_against_adjusted"]))
        for row in frame.to_dict("records")
    )  # fmt: skip
    return Table(headers, rows, (False, False, *[True] * 5))


def _notes(
    frame: pd.DataFrame, subjects: Sequence[Subject], looks: Sequence[AxisLooks], results: StudyResults
) -> list[str]:
    notes = [
        f"{row['name']}{said}{': ' + row['reason'] if row['reason'] not in _PLAIN else ''}"
        for row in frame.to_dict("records")
        if (said := "" if row["name"] == row["claim"] else f" ({row['claim']})") or row["reason"] not in _PLAIN
    ]
    if any(each.claim.amount is None and each.claim.relation in ("matches", "is not worse than") for each in subjects):
        notes.append(
            f"Where a claim gives no amount, the study's is meant: {wording.margin(rules_of(results).margin)}."
        )
    family = f"p is adjusted by Holm over the {len(frame)} claims of this file" if len(frame) > 1 else _ALONE
    notes.append(
        "A difference is the first level minus the second, over exactly the matched cells. A claim is a one-sided "
        f"paired t test over seed blocks at 5 % (two of them for 'matches'); {family}. The 90 % interval is the one "
        "that such a test looks at; it is not adjusted. 'p against' is that of the opposite, which refutes a claim. "
        "The guide tests both directions, over the contrasts of an axis: the same difference may be decided in one of "
        "them and undecided in the other."
    )
    if any(each.stage is not None for each in looks):
        notes.append("Looks were declared: p values and intervals are repeated ones, valid at every look.")
    unfinished = int(results.runs["status"].isin(OPEN).sum())
    if unfinished:
        notes.append(f"The study is not finished: {wording.count(unfinished, 'run')} not run yet.")
    return [*notes, f"Every outcome is {conditions(results)}, and for this one test set."]
