"""Accuracy of a trained network on a test part, also when it may only look at the first t of its T steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from lightning_modules.classifier import SpikingClassifier
from lightning_modules.data.batches import Batch


def accuracy_by_steps(
    classifier: SpikingClassifier, batches: Iterable[Batch], steps: Sequence[int]
) -> dict[int, float]:
    """Accuracy, as a fraction, of the readout cut after each of `steps`; one pass over the data serves all.

    Args:
        classifier: in evaluation mode; its encoder noise is the evaluation's.
        batches: `(x, y, sample_index)`, the images in the encoder's input range.
        steps: numbers of inference steps, each from 1 to T.

    Raises:
        ValueError: for a number of steps that the network does not run.
    """
    if wrong := [t for t in steps if not 1 <= t <= classifier.network.timesteps]:
        raise ValueError(f"steps: {wrong[0]} is not between 1 and the network's {classifier.network.timesteps}")
    right = dict.fromkeys(steps, 0)
    samples = 0
    with torch.inference_mode():
        for x, target, sample_index in batches:
            outputs = classifier.outputs(x, classifier.noise(x, sample_index, training=False))
            for t in right:
                right[t] += int((classifier.network.readout(outputs[:t]).argmax(-1) == target).sum())
            samples += len(target)
    return {t: count / samples for t, count in right.items()}
