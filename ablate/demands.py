"""What the parts of a study demand of one another: designs, objectives, samplers, pruners, tuning, looks."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ablate.baseline import SECTIONS
from ablate.errors import RequestError
from lightning_modules import catalogue, data
from lightning_modules.choices import LevelOf

if TYPE_CHECKING:
    from ablate.config import Study

WILCOXON_SEEDS = 5
"""One-sided at the pruner's p of 0.1, four pairs are the fewest that can tell: with fewer seeds nothing is saved."""


def check(study: Study) -> None:
    """See that the parts of a study fit together.

    Raises:
        RequestError: with the first demand that is not met.
    """
    if (problem := next(_problems(study), None)) is not None:
        raise RequestError(problem)


def _problems(study: Study) -> Iterator[str]:
    yield from _design(study)
    yield from _validation_part(study)
    yield from _full_batches(study)
    yield from _objectives(study)
    if study.baseline.protocol == "paper_compat" and (study.fields.search or study.fields.tuning):
        name = "search" if study.fields.search else "tuning"
        yield f"{name}: protocol paper_compat chooses on the test set, which no {name} may see; use protocol: sound"
    if study.fields.search is not None:
        yield from _sampler(study)
        yield from _pruner(study)
    yield from _tuning(study)
    yield from _looks(study)
    yield from _stack(study)
    yield from _packages(study)


def _validation_part(study: Study) -> Iterator[str]:
    chosen = study.baseline.data
    if study.baseline.protocol == "sound" and data.describe(chosen).validation == 0:
        others = [name for name, cut in data.entry(chosen.name).splits.items() if cut.validation != 0]
        yield (
            f"data.split: {chosen.split!r} has no validation part, on which protocol sound chooses; take "
            f"{' or '.join(others)}, or protocol: paper_compat, which chooses on test"
        )


def _full_batches(study: Study) -> Iterator[str]:
    if study.baseline.protocol != "paper_compat":
        return
    facts = data.describe(study.baseline.data)
    size = max([study.baseline.data.batch_size, *_values(study, "data.batch_size")])
    for part, samples in (("training", facts.train), ("test", facts.test)):
        if samples is not None and size > samples:
            yield (
                f"data.batch_size: {size:,} is more than the {samples:,} {part} samples, and protocol paper_compat "
                "leaves out every batch that is not full"
            )


def _design(study: Study) -> Iterator[str]:
    fields = study.fields
    if fields.design == "search":
        if fields.search is None:
            yield "search: is needed and missing; for instance search: {trials: 60}"
        if fields.prune != "none":
            yield f"prune: {fields.prune!r} is for paired designs; a search has search.pruner"
        return
    if fields.search is not None:
        yield f"search: belongs to design: search, not to {fields.design}"
    for axis in study.axes:
        if axis.range is not None:
            yield f"axes.{axis.name}: a range is for design: search; {fields.design} needs a list of levels"


def _objectives(study: Study) -> Iterator[str]:
    metrics = [each.metric for each in study.objectives]
    if not metrics or len(set(metrics)) != len(metrics):
        yield f"objective: {metrics} is not a list of distinct metrics"
    if study.fields.design == "search":
        return
    if len(metrics) > 1:
        yield f"objective: several objectives are for design: search; {study.fields.design} takes one"
    elif not metrics[0].startswith("val_"):
        yield f"objective.metric: {metrics[0]!r} chooses no epoch; one of 'val_accuracy', 'val_loss' outside a search"


def _sampler(study: Study) -> Iterator[str]:
    search = study.fields.search
    assert search is not None
    if search.sampler != "cmaes":
        return
    lists = [axis.name for axis in study.axes if axis.range is None]
    if lists:
        yield f"search.sampler: 'cmaes' samples ranges alone, and {lists[0]} is a list of levels; use tpe, gp or random"
    if len(study.axes) < 2:
        yield "search.sampler: 'cmaes' needs at least two axes; use tpe, gp or random"
    if len(study.objectives) > 1:
        yield "search.sampler: 'cmaes' takes one objective; several are for tpe, gp, nsga2, random or qmc"
    if search.constraints:
        yield "search.sampler: 'cmaes' does not heed constraints; use tpe, gp or random"
    if importlib.util.find_spec("cmaes") is None:
        yield "search.sampler: 'cmaes' needs a further package: pip install 'ablate-snn[cmaes]'"


def _pruner(study: Study) -> Iterator[str]:
    search = study.fields.search
    assert search is not None
    if search.pruner == "none":
        return
    if len(study.objectives) > 1:
        yield f"search.pruner: {search.pruner!r} needs one objective, not {len(study.objectives)}"
    elif not study.objectives[0].metric.startswith("val_"):
        yield f"search.pruner: {search.pruner!r} needs val_accuracy or val_loss, which exist before a run has ended"
    if search.pruner == "wilcoxon" and len(study.seeds) < WILCOXON_SEEDS:
        yield (
            f"search.pruner: 'wilcoxon' compares cells over their seeds and needs at least {WILCOXON_SEEDS}, "
            f"not {len(study.seeds)}"
        )


def _tuning(study: Study) -> Iterator[str]:
    if study.fields.tuning is None:
        return
    if study.fields.design == "search":
        yield "tuning: belongs to one_factor and factorial; a search samples every path that is among its axes"
    for axis in study.nuisance:
        if axis.range is None and len(axis.levels) < 2:
            yield f"tuning.space.{axis.path}: {axis.reference} is the baseline's own; nothing can be chosen"


def _looks(study: Study) -> Iterator[str]:
    looks = study.fields.looks
    if looks is None:
        return
    if study.fields.design == "search":
        yield "looks: are for one_factor and factorial; a search tests no effects"
    if len(study.seeds) not in looks.at:
        declared = ", ".join(map(str, looks.at))
        yield f"seeds: {len(study.seeds)} seed blocks are none of the declared looks; looks.at has {declared}"


def _stack(study: Study) -> Iterator[str]:
    fields, size = study.fields, study.baseline.training.stack_seeds
    if size == 1:
        return
    for name, used in (("search", fields.search), ("tuning", fields.tuning), ("prune", fields.prune != "none")):
        if used:
            yield (
                f"training.stack_seeds: {size} seeds are trained to their end together, and {name} decides run by run; "
                f"1, or a study without {name}"
            )


def _packages(study: Study) -> Iterator[str]:
    """What levels need beside the installation, by their facts `module` and `extra`."""
    chosen = [(path, value) for path, value in _levels(study) if value is not None]
    for path, value in chosen:
        axis = path.rpartition(".")[2]
        level = catalogue.resolve(axis, value)
        facts = catalogue.entry(axis, level.name).facts
        if "module" in facts and importlib.util.find_spec(str(facts["module"])) is None:
            yield f"{path}: {level.name!r} needs a further package: pip install 'ablate-snn[{facts['extra']}]'"


def _levels(study: Study) -> Iterator[tuple[str, Any]]:
    """Path and value of every named level that the baseline or an axis chooses."""
    for section, choices in SECTIONS.items():
        for field, info in choices.model_fields.items():
            if not any(isinstance(each, LevelOf) for each in info.metadata):
                continue
            path = f"{section}.{field}"
            yield path, getattr(getattr(study.baseline, section), field)
            yield from ((path, value) for value in _values(study, path))


def _values(study: Study, path: str) -> Iterator[Any]:
    """What the levels of the axes set a field to."""
    for axis in (*study.axes, *study.nuisance):
        yield from (level.settings[path] for level in axis.levels if path in level.settings)
