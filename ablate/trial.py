"""One attempt, start to finish: RunSpec -> RunRecord."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ablate import plugins, stacks
from ablate.backend import computing
from ablate.memory import PeakMemory
from ablate.phases import Clock
from ablate.provenance import code_of, provenance
from ablate.pruning import Pruned
from ablate.records import RunRecord, RunSpec, last_checkpoint
from ablate.tracking import summarise, tracked

if TYPE_CHECKING:
    from ablate.training import Trained
    from lightning_modules.classifier import Diverged, SpikingClassifier
    from lightning_modules.data import DatasetFacts


def run(spec: RunSpec) -> RunRecord:
    """Train, choose the epoch on validation, evaluate test once, measure; of a stack all its runs, see `stacked_trial`.

    With `profile` in the execution of the spec, the record says what the time went into. Divergence is an outcome of
    the cell and becomes a record; what else goes wrong is raised, for the engine to tell what deserves a retry.
    """
    if stacks.stacked(spec):
        from ablate import stacked_trial

        return stacked_trial.run(spec)
    clock = Clock("imports and plug-ins")
    from lightning_modules.classifier import Diverged

    plugins.load_installed()
    plugins.load(spec.execution.get("plugins", []), spec.execution.get("plugin_folders", []))
    clock.enter("W&B")
    with tracked(spec, resumed=last_checkpoint(spec).exists()) as logger:
        try:
            record = _attempt(spec, logger, clock)
        except Pruned as stopped:
            record = RunRecord(
                spec.run_id, spec.attempt, spec.token, "pruned", reason=str(stopped),
                metrics={"epochs": stopped.epochs}, curves=stopped.curves,
            )  # fmt: skip
        except Diverged as error:
            record = diverged(spec, error)
        clock.enter("W&B")
        summarise(logger, record)
    return replace(record, profile=clock.stop()) if spec.execution.get("profile") else record


def _attempt(spec: RunSpec, logger: Any, clock: Clock) -> RunRecord:
    import torch

    from ablate.training import train
    from lightning_modules.precision import cuda_arithmetic

    classifier, module, _ = built(spec, clock)
    device = chosen_device(spec)
    backend = computing(spec.execution.get("backend", "eager"), device)
    classifier.network.use_backend(backend)
    with PeakMemory(device) as memory, cuda_arithmetic(classifier.training_choices.precision, torch.device(device)):
        trained = train(spec, classifier, module, logger, clock)
        record = completed(spec, classifier, module, trained, backend=backend, device=device, clock=clock)
    return replace(record, metrics=record.metrics | {"peak_memory_mb": memory.megabytes})


def completed(
    spec: RunSpec,
    classifier: SpikingClassifier,
    module: Any,
    trained: Trained,
    *,
    backend: str,
    device: str,
    clock: Clock,
) -> RunRecord:
    """Measure a trained run and make its record."""
    from lightning_modules.examination import examine

    clock.enter("energy and diagnostics")
    # Lightning takes a network that it has done with off the GPU.
    cost, diagnostics = examine(classifier.to(device), module)
    layers = _joined(cost.layers, diagnostics)
    clock.enter("record")
    parameters = sum(each.numel() for each in classifier.network.parameters())
    return RunRecord(
        run_id=spec.run_id,
        attempt=spec.attempt,
        token=spec.token,
        status="complete",
        metrics=trained.metrics | cost.totals | {"parameters": parameters},
        curves=trained.curves,
        layers=layers,
        correct=_packed(classifier.correct),
        provenance=provenance(backend=backend, data_fingerprint=module.fingerprint, device=device)
        | {"energy": cost.assumption, "samples": _samples(module.arrays.split)}
        | ({"plugins": code_of(named)} if (named := spec.execution.get("plugins")) else {})
        | ({"tuned": spec.execution["tuned"]} if "tuned" in spec.execution else {}),
    )


def diverged(spec: RunSpec, error: Diverged) -> RunRecord:
    """The record of a run that lost its numbers."""
    return RunRecord(spec.run_id, spec.attempt, spec.token, "failed", reason=f"diverged {error}", kind="diverged")


def built(spec: RunSpec, clock: Clock | None = None) -> tuple[SpikingClassifier, Any, DatasetFacts]:
    """The network and the data module of a run, and what is known of its data set."""
    clock = clock or Clock("network")
    from lightning_modules import data
    from lightning_modules.choices import DataChoices, ModelChoices, TrainingChoices
    from lightning_modules.classifier import SpikingClassifier

    choices = DataChoices.model_validate({**spec.config["data"], "root": spec.execution.get("data_root")})
    facts = data.describe(choices)
    clock.enter("network")
    classifier = SpikingClassifier(
        ModelChoices.model_validate(spec.config["model"]),
        TrainingChoices.model_validate(spec.config["training"]),
        in_channels=facts.shape[0],
        classes=facts.classes,
        events=facts.kind == "events",
        seed=spec.seed,
    )
    clock.enter("data")
    module = data.open(
        choices,
        encoder=classifier.network.encoder,
        seed=spec.seed,
        select_on_test=spec.config["protocol"] == "paper_compat",
        keep=True,
    )
    return classifier, module, facts


def _samples(split: Any) -> dict[str, int]:
    """Sizes of the parts as they were opened; of a partial set nothing else knows them."""
    return {part: len(getattr(split, part)) for part in ("train", "validation", "test")}


def _joined(*tables: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a layer, with the columns of all tables; what a table does not know of a layer is None."""
    columns = dict.fromkeys(column for table in tables for row in table for column in row)
    rows: dict[str, dict[str, Any]] = {}
    for row in (row for table in tables for row in table):
        known = {column: value for column, value in row.items() if value is not None}
        rows.setdefault(row["layer"], dict.fromkeys(columns)).update(known)
    return list(rows.values())


def chosen_device(spec: RunSpec) -> str:
    """The device that Lightning chooses for the accelerator of a run, by torch's name."""
    import torch

    accelerator = spec.execution.get("accelerator", "auto")
    return "cuda" if accelerator == "cuda" or (accelerator == "auto" and torch.cuda.is_available()) else "cpu"


def _packed(correct: Any) -> str:
    """Base64 of one bit a test sample, sample 0 in the highest bit of the first byte."""
    import numpy as np

    return base64.b64encode(np.packbits(np.asarray(correct, dtype=bool)).tobytes()).decode()
