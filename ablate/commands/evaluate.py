"""`ablate evaluate`: test accuracy of one checkpoint, also against the number of inference steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from ablate.errors import RequestError
from lightning_modules import data
from lightning_modules.choices import DataChoices
from lightning_modules.data.facts import DatasetEntry

if TYPE_CHECKING:
    from lightning_modules.classifier import SpikingClassifier

_TRAINING_IMAGES = 1000
_CUT_AND_FED = ("split", "resolution", "frame_order")


def main(path: str, dataset: str, root: str | None, timesteps: int | None, steps: str | None) -> int:
    """Print the accuracy after all steps, or one row for each number of steps asked for."""
    try:
        entry = data.entry(dataset)
    except ValueError as error:
        raise RequestError(str(error).replace("data.name", "--data")) from error
    from lightning_modules import checkpoints
    from lightning_modules.evaluation import accuracy_by_steps

    try:
        classifier, trained_on = checkpoints.load_with_data(path)
        choices = _test_part(entry, trained_on, root)
        facts = data.describe(choices)
        _check_fit(classifier, facts)
        if timesteps is not None:
            classifier.network.set_timesteps(timesteps)
        asked = _steps(steps, classifier.network.timesteps)
        module = data.open(choices, encoder=classifier.network.encoder, seed=classifier.seed)
        watched = track(module.test_dataloader(), "evaluating", console=Console(stderr=True), transient=True)
        accuracies = accuracy_by_steps(classifier, watched, asked)
    except (ValueError, OSError) as error:
        raise RequestError(str(error)) from error
    _print(accuracies, facts, len(module.arrays.split.test))
    return 0


def _test_part(entry: DatasetEntry, trained_on: DataChoices | None, root: str | None) -> DataChoices:
    """The data set, cut and fed as the network knows it: its test part must not be what another split trained on."""
    chosen = DataChoices(name=entry.name, root=root, batch_size=64)
    if entry.training_images:
        # The test part is the same with few training images, which need few of the data set's files.
        return chosen.model_copy(update={"subset": _TRAINING_IMAGES})
    if trained_on is None or trained_on.name != entry.name:
        return chosen
    return chosen.model_copy(update={field: getattr(trained_on, field) for field in _CUT_AND_FED})


def _check_fit(classifier: SpikingClassifier, facts: data.DatasetFacts) -> None:
    network = classifier.network
    if (network.stem.conv.in_channels, network.readout.classes) != (facts.shape[0], facts.classes):
        raise RequestError(
            f"--data {facts.name}: has {facts.shape[0]} channels and {facts.classes} classes, the network "
            f"{network.stem.conv.in_channels} and {network.readout.classes}"
        )


def _steps(text: str | None, timesteps: int) -> Sequence[int]:
    """`1..4`, `1,2,8` or nothing, which is all steps."""
    if text is None:
        return [timesteps]
    if bounds := re.fullmatch(r"(\d+)\.\.(\d+|T)", text):
        asked = range(int(bounds[1]), (timesteps if bounds[2] == "T" else int(bounds[2])) + 1)
        if asked:
            return asked
    if re.fullmatch(r"\d+(,\d+)*", text):
        return [int(each) for each in text.split(",")]
    raise RequestError(f"--steps: {text!r} is not accepted; write 1..T, 1..4 or 1,2,4")


def _print(accuracies: dict[int, float], facts: data.DatasetFacts, samples: int) -> None:
    console = Console(highlight=False)
    console.print(f"{facts.name}, test part ({samples:,} samples)")
    console.print("steps  test accuracy %")
    for steps, accuracy in accuracies.items():
        console.print(f"{steps:>5}  {100 * accuracy:>15.2f}")
