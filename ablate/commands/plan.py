"""`ablate plan`: what would run, and what it costs, before anything does."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ablate import estimate, prospects
from ablate.axes import Axis
from ablate.commands import sampling
from ablate.confounding import findings
from ablate.design import Cell, Plan
from ablate.display import duration
from ablate.prospects import Spread, margin_of, points
from ablate.search.space import sample_cells
from ablate.workflow import Prepared, prepare
from lightning_modules import catalogue, data


def main(
    argument: str,
    overrides: Sequence[str],
    directory: str | None,
    branch: str,
    storage: str | None = None,
    pilot: str | None = None,
) -> int:
    """Print the plan of a study; nothing is run or written."""
    prepared = prepare(argument, overrides, directory=directory, branch=branch, storage=storage)
    for line in describe(prepared, None if pilot is None else _spread_of(pilot)):
        Console(highlight=False).print(Text(line), soft_wrap=True)
    return 0


def _spread_of(pilot: str) -> Spread:
    from ablate.commands.explain import read  # pandas, which a plan without a pilot does without

    return prospects.of_pilot(read(pilot, None), pilot)


def describe(prepared: Prepared, spread: Spread | None = None) -> list[str]:
    """The plan in lines: design, axes, exclusions, runs and time, what it can tell and cannot, warnings.

    Args:
        prepared: the study.
        spread: of the paired differences, from a pilot; else what the study expects, if it does.
    """
    study, plan = prepared.study, prepared.plan
    if study.fields.search is not None:
        head = [*sampling.search_lines(prepared), *excluded(plan), _cost(prepared), f"Engine: {prepared.placement}"]
        return [*head, *sampling.search_limits(prepared)]
    width = max(len(axis.name) for axis in study.axes)
    lines = [_headline(prepared)]
    for axis in study.axes:
        others = "  ".join(level.label for level in axis.levels if level.label != axis.reference)
        lines.append(f"  {axis.name:<{width}}  {others}  (+ {axis.reference})")
    lines += [sampling.tuning_line(prepared)] if study.fields.tuning else []
    lines += [*excluded(plan), _cost(prepared), f"Engine: {prepared.placement}"]
    told = prospects.lines(study, plan, spread or prospects.expected(study))
    return [*lines, *told, *findings(study, plan), *_warnings(prepared)]


def excluded(plan: Plan) -> list[str]:
    """The cells left out, one line for each reason."""
    cells: dict[str, list[str]] = {}
    for each in plan.excluded:
        cells.setdefault(each.reason, []).append(each.cell.label)
    return [
        f"  excluded: {labels[0]}{f' and {len(labels) - 1} more' if len(labels) > 1 else ''}: {reason}"
        for reason, labels in cells.items()
    ]


def _headline(prepared: Prepared) -> str:
    study = prepared.study
    around = " / ".join(_reference(axis) for axis in study.axes)
    margin = margin_of(study)
    margin_text = "no margin" if margin is None else f"margin {points(margin)}"
    return (
        f"{study.name}: {study.fields.design} around {around}, {len(study.seeds)} seed blocks, "
        f"test_accuracy, {margin_text}"
    )


def _reference(axis: Axis) -> str:
    """`sresnet`, `T=4`, `lr=0.05`: a level with a name speaks for itself."""
    if catalogue.levels(axis.name) or axis.composite:
        return axis.reference
    return f"{'T' if axis.name == 'timesteps' else axis.name}={axis.reference}"


def _cost(prepared: Prepared) -> str:
    progress = prepared.progress()
    left = prepared.total - progress.complete - progress.pruned
    line = f"{_count(prepared)}, {progress.complete} complete, {left} to do"
    if not left:
        return line
    seconds, origin = progress.seconds_a_run, "measured"
    if seconds is None:
        seconds, origin = estimate.seconds_a_run(_likely_cells(prepared)), "estimated"
    at_once = prepared.placement.at_once
    if at_once is None:
        return f"{line}; about {duration(seconds * left)} of work for the cluster ({origin}: {seconds:.3g} s a run)"
    return (
        f"{line}; about {duration(seconds * left / at_once)} with {at_once} worker{'s' if at_once > 1 else ''} "
        f"({origin}: {seconds:.3g} s a run)"
    )


def _count(prepared: Prepared) -> str:
    plan, study = prepared.plan, prepared.study
    parts = [f"{len(plan.cells)} cells x {len(plan.seeds)} seeds"]
    if study.fields.search is not None:
        parts = [f"at most {study.fields.search.trials} cells x {len(plan.seeds)} seeds"]
    if study.fields.tuning is not None:
        parts.insert(0, f"{len(plan.cells)} cells x {study.fields.tuning.trials} tuning trials")
    parts += [f"{len(plan.confirmation)} to confirm"] if plan.confirmation else []
    return f"{' + '.join(parts)} = {prepared.total} runs"


def _likely_cells(prepared: Prepared) -> Sequence[Cell]:
    """The cells whose mean cost is expected: those of the plan, or of a search a few from all over its space."""
    return sample_cells(prepared.study) if prepared.study.fields.search else prepared.plan.cells


def _warnings(prepared: Prepared) -> list[str]:
    margin = margin_of(prepared.study)
    choices = prepared.study.baseline.data
    sizes = estimate.known_sizes(choices, data.describe(choices))
    if margin is None or not sizes or not sizes[2]:
        return []
    test = sizes[2]
    image = 1 / test
    relation = "below the margin: fine" if image < margin else "NOT below the margin: it cannot be resolved"
    lines = [f"{test:,} test samples: one sample is {image * 100:.2g} points, {relation}"]
    # Half of the samples wrong is the worst case; an accuracy near 95 % has less than half of this error.
    error = (0.05 * 0.95 / test) ** 0.5
    if error > margin:
        lines.append(
            f"Warning: the choice of test samples alone moves an accuracy of 95 % by about {error * 100:.2g} points "
            "(one standard error), more than the margin: verdicts hold for this test set"
        )
    return lines
