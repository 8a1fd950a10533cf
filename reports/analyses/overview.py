"""What was compared, and the three sentences a reader wants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from reports import wording
from reports.analyses.card import Card, Table
from reports.effects import conditions, effects
from reports.family import VERDICT_METRIC, rules_of
from reports.looks import AxisLooks
from reports.outcomes import Outcomes, state_of
from reports.results import StudyResults
from reports.statistics.power import detectable_effect
from reports.statistics.verdict import (
    BETTER,
    EQUIVALENT,
    NOT_TESTABLE,
    UNDECIDED,
    UNDECIDED_LOST,
    WORSE,
    exploratory,
)

_DESIGNS = {
    "one_factor": "one-factor design (each level around the baseline)",
    "factorial": "factorial design (all combinations)",
    "search": "search (sampled cells)",
}
_READING = (
    "Differences are paired by seed block, level minus reference; p is Holm-adjusted over the axis, the intervals are "
    "not adjusted. The contrasts of an axis share the runs of its reference, so they are not independent findings.",
    "A seed block is the runs of all cells with one seed, which share what they can: initial weights, order of the "
    "data, noise. Intervals of accuracies and differences are Student t intervals over seed blocks, conditional on "
    "this test set: they say how the numbers move with the seed, not with the data, and they assume normality.",
)
_PROTOCOLS = {
    "sound": "the epoch chosen on validation, test evaluated once",
    "paper_compat": "the epoch chosen on test, so test-selected",
}


class Overview:
    """What was compared. The frame lists the axes: axis, path, levels, reference."""

    key = "overview"
    title = "What was compared"

    def inapplicable(self, results: StudyResults) -> str | None:
        return None

    def compute(self, results: StudyResults) -> Card:
        rows = [
            {"axis": axis["name"], "setting": axis.get("path", ""), "reference": str(axis.get("reference", "")),
             "compared with": ", ".join(_others(axis)) or "nothing"}
            for axis in results.study["axes"]
        ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=["axis", "setting", "reference", "compared with"])
        caption = f"The axes of {results.study['name']}: setting, reference level, and what it is compared with."
        table = Table(tuple(frame.columns), tuple(tuple(row) for row in frame.to_numpy().tolist()), (False,) * 4,
                      caption=caption)  # fmt: skip
        if results.study["design"] == "search":
            return Card(self.key, self.title, (compared(results),), frame, table, _energy(results))
        contrasts = effects(results)
        prose = (compared(results), found(contrasts), strongest(contrasts, results), limits(contrasts, results))
        notes = (
            *_READING, *_axes_tested(contrasts), *_resolution(results), *_energy(results), *_time(results),
        )  # fmt: skip
        return Card(self.key, self.title, prose, frame, table, notes)


def _resolution(results: StudyResults) -> tuple[str, ...]:
    """What so many test samples cannot resolve; nothing where they are enough for the margin, or unknown."""
    size, samples = rules_of(results).margin, results.study["data"].get("test")
    if size is None or not samples:
        return ()
    margin = f"margin of {wording.margin(size).removeprefix('margin ')}"
    if 1 / samples >= size:
        step = wording.margin(1 / samples).removeprefix("margin ")
        return (f"One of the {samples:,} test samples is {step}; the {margin} is not above that and not resolved.",)
    reached = Outcomes.of(results, VERDICT_METRIC).value
    shares = reached[~np.isnan(reached)]
    error = float(np.sqrt((shares * (1 - shares)).mean() / samples)) if shares.size else 0.0
    if error <= size:
        return ()
    return (
        f"The choice of the {samples:,} test samples alone moves an accuracy by about {wording.fixed(error * 100)} "
        f"points (one standard error), more than the {margin}: verdicts hold for this test set.",
    )


def _energy(results: StudyResults) -> tuple[str, ...]:
    """What the energy figures rest on; nothing where there are none."""
    assumptions = "; or ".join(str(each) for each in results.provenance.get("energy", ()))
    if not assumptions:
        return ()
    return (
        "A synaptic operation (SynOp) is an accumulate where its input is a spike, and a multiply-accumulate where it "
        "is anything else: an image, a current, or a sum of spikes, as residual connections that add spikes give.",
        f"Energy is per sample, {assumptions}. Beside the SynOps it counts neuron updates, residual additions and "
        "those normalisations that cannot be folded into the weights of the convolution before them. No claim about "
        "energy stands without the control network without spikes (neuron: relu) beside it.",
    )


def _axes_tested(contrasts: pd.DataFrame) -> tuple[str, ...]:
    """What Holm's adjustment within an axis leaves open, where there are several."""
    axes = contrasts["axis"].nunique()
    if axes < 2:
        return ()
    return (f"The error of 5 % is kept for each of the {axes} axes, not for all of them together.",)


def _time(results: StudyResults) -> tuple[str, ...]:
    seconds = results.runs.get("train_seconds")
    if seconds is None or not seconds.notna().any():
        return ()
    return (
        "s/run is the mean time of training by the clock; runs that shared the machine with other work took longer.",
    )


def _others(axis: Mapping[str, Any]) -> list[str]:
    if axis.get("range"):
        return [str(axis["range"])]
    return [str(level) for level in axis.get("levels", []) if level != axis.get("reference")]


def compared(results: StudyResults) -> str:
    """One sentence: design, axes, cells, seeds, runs, data, protocol."""
    study, data = results.study, results.study["data"]
    planned = results.runs[results.runs["status"] != "excluded"]
    states = [state_of(*each).name for each in zip(planned["status"], planned["reason"], strict=True)]
    parts = (("train", "training"), ("validation", "validation"), ("test", "test"))
    sizes = [f"{data[part]:,} {word}" for part, word in parts if data.get(part)]
    test = f" ({', '.join(sizes)} samples)" if sizes else ""
    runs = f"{states.count('COMPLETE'):,} of {wording.count(len(states), 'run')} complete"
    runs += f", {states.count('DIVERGED')} diverged" if "DIVERGED" in states else ""
    runs += f", {states.count('LOST')} lost" if "LOST" in states else ""
    return (
        f"{study['name']}: {_DESIGNS.get(study['design'], study['design'])} over {wording.listing(list(results.axes))} "
        f"on {data.get('name', 'unnamed data')}{test}; {wording.count(len(study['cells']), 'cell')} x "
        f"{wording.count(len(study['seeds']), 'seed')}, {runs}; protocol {study['protocol']}{_protocol(results)}."
    )


def _protocol(results: StudyResults) -> str:
    meant = _PROTOCOLS.get(results.study["protocol"])
    return f" ({meant})" if meant else ""


def found(contrasts: pd.DataFrame) -> str:
    """One sentence: how many contrasts fell to each verdict."""
    if contrasts.empty:
        return "No contrast was tested."
    counts = contrasts["verdict"].value_counts()
    order = (BETTER, WORSE, EQUIVALENT, UNDECIDED, UNDECIDED_LOST, NOT_TESTABLE)
    looked = sorted(filter(exploratory, counts.index))
    parts = [f"{counts[verdict]} {verdict}" for verdict in (*order, *looked) if verdict in counts]
    return f"{wording.count(len(contrasts), 'contrast')} with the baseline's levels: {wording.listing(parts)}."


def strongest(contrasts: pd.DataFrame, results: StudyResults) -> str:
    """One sentence: the largest difference the data support, with what it is conditional on."""
    decided = contrasts[contrasts["verdict"].isin([BETTER, WORSE])]
    if decided.empty and any(map(exploratory, contrasts["verdict"])):
        return "Effects were looked at while the study grew, without a declared scheme: none is more than exploratory."
    if decided.empty:
        return "No difference is supported by the data; that is not evidence that the levels are alike."
    row = decided.iloc[int(decided["difference"].abs().to_numpy(float).argmax())]
    size = wording.points(row["difference"], row["ci_low"], row["ci_high"])
    tail = conditions(results)
    return (
        f"The largest supported difference: {row['axis']}={row['level']} is {row['verdict']} than {row['reference']}, "
        f"{size} points of test accuracy, Holm-adjusted p {wording.p_value(row['p_adjusted'])}"
        f"{f' ({tail})' if tail else ''}."
    )


def limits(contrasts: pd.DataFrame, results: StudyResults) -> str:
    """One sentence: what this many seed blocks can and cannot tell."""
    testable = contrasts[contrasts["seeds"].astype(float) >= 2]
    if testable.empty:
        return "Nothing can be tested: that needs at least 2 seed blocks with complete runs."
    blocks, m = int(testable["seeds"].max()), int(testable["family_size"].max())
    largest = testable.loc[testable["family_size"] == m, "axis"].iloc[0]
    effect = detectable_effect(blocks, m, stage=AxisLooks.of(results, str(largest)).stage)
    if math.isinf(effect):
        return (
            f"With {blocks} seed blocks this look detects no difference, however large: undecided does not mean that "
            "nothing differs; every interval is conditional on this one test set."
        )
    undecided = contrasts["verdict"].isin([UNDECIDED, UNDECIDED_LOST, NOT_TESTABLE]).mean()
    most = "most contrasts stay undecided, which does not mean" if undecided > 0.5 else "undecided does not mean"
    return (
        f"With {blocks} seed blocks only differences of about {effect:.1f} SD of the paired differences are found "
        f"reliably (80 % power, largest family of {m}): {most} that nothing differs; every interval is conditional "
        "on this one test set."
    )
