"""The paper authors' checkpoints (github VicenteAlex/Spiking_ResNet) as networks of ours.

Their file is a dict whose `state_dict` names some tensors twice (`conv_list.0` is `conv1`); blocks, width, timesteps
and the kind of input are read from the tensors' shapes. It does not hold the leak, nor what a head's outputs mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from lightning_modules.choices import ModelChoices
from lightning_modules.level import Level
from lightning_modules.network import SpikingResNet
from lightning_modules.safe_load import load_plain

_EVENT_CHANNELS = 2


def load_paper_checkpoint(path: str | Path, *, classes: int | None = None, leak: float = 0.874) -> SpikingResNet:
    """A network with the weights of one of the paper authors' checkpoints, in evaluation mode.

    Args:
        path: their `.pth.tar` file; loaded as tensors only, no object is built from it.
        classes: number of classes; a head of k outputs is then boosted k / classes times. None means unboosted.
        leak: fraction of the membrane kept from step to step; 0.874 is the default of their code, 0.8744 the value of
            their published commands.

    Raises:
        ValueError: for a file that is missing, damaged or not one of theirs, or a head that `classes` does not divide.
    """
    state = _read(Path(path))
    try:
        depth, timesteps, width, in_channels, outputs = _sizes(state)
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"{path}: not a checkpoint of the paper's S-ResNet ({error})") from None
    events = in_channels == _EVENT_CHANNELS
    choices = ModelChoices(
        depth=depth,
        width=width,
        timesteps=timesteps,
        leak=leak,
        encoding=Level("event_count" if events else "direct"),
        normalization=Level("bntt", (("bias", True),)),
        readout=_readout(outputs, classes),
    )
    network = SpikingResNet(choices, in_channels=in_channels, classes=classes or outputs, events=events)
    try:
        network.load_state_dict(_converted(state, depth, timesteps))
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{path}: not a checkpoint of the paper's S-ResNet ({_first_line(error)})") from None
    return network.eval()


def parameter_names(depth: int, timesteps: int) -> dict[str, tuple[str, int | None]]:
    """Their name of each parameter -> our name and, where ours stacks the steps, the step.

    Args:
        depth: blocks a stage.
        timesteps: T.
    """
    names: dict[str, tuple[str, int | None]] = {}
    for conv, norm, ours_conv, ours_norm in _layer_names(depth):
        names[f"{conv}.weight"] = (f"{ours_conv}.weight", None)
        for t in range(timesteps):
            names |= {f"{norm}.{t}.{kind}": (f"{ours_norm}.{kind}", t) for kind in ("weight", "bias")}
    names["fc.weight"] = ("head.linear.weight", None)
    return names


def _layer_names(depth: int) -> list[tuple[str, str, str, str]]:
    """(their convolution, their normalisation, our convolution, our normalisation) of every layer."""
    layers = [("conv1", "bntt1", "stem.conv", "stem.fire.norm")]
    for index in range(6 * depth):
        block, second = divmod(index, 2)
        ours = f"stages.{block // depth}.{block % depth}"
        theirs = (f"conv_list.{index + 1}", f"bntt_list.{index + 1}")
        layers.append((*theirs, f"{ours}.conv{second + 1}", f"{ours}.fire{second + 1}.norm"))
    for stage in (1, 2):
        ours = f"stages.{stage}.0.shortcut"
        layers.append((f"conv_resize_{stage}", f"resize_bn_{stage}", f"{ours}.conv", f"{ours}.norm"))
    return layers


def _read(path: Path) -> dict[str, Tensor]:
    loaded = load_plain(path)
    state = loaded.get("state_dict") if isinstance(loaded, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path}: not a checkpoint of the paper's S-ResNet (no state_dict of tensors)")
    return dict(state)


def _sizes(state: Mapping[str, Tensor]) -> tuple[int, int, int, int, int]:
    """Blocks a stage, timesteps, width, input channels and outputs."""
    width, in_channels, *_ = state["conv1.weight"].shape
    outputs, features = state["fc.weight"].shape
    convolutions = sum(f"conv_list.{index}.weight" in state for index in range(1, len(state)))
    timesteps = sum(f"bntt1.{t}.weight" in state for t in range(len(state)))
    if features != 4 * width or convolutions < 6 or convolutions % 6 or timesteps == 0:
        raise ValueError(f"{convolutions} convolutions in blocks, {timesteps} timesteps, {features} features")
    return convolutions // 6, timesteps, width, in_channels, outputs


def _readout(outputs: int, classes: int | None) -> Level:
    if classes is None or classes == outputs:
        return Level("mean_membrane")
    if classes < 1 or outputs % classes:
        raise ValueError(f"classes: {classes} is not accepted; it must divide the head's {outputs} outputs")
    factor = outputs // classes
    return Level("boosting", () if factor == 10 else (("factor", factor),))


def _converted(state: Mapping[str, Tensor], depth: int, timesteps: int) -> dict[str, Tensor]:
    converted = {"head.linear.weight": state["fc.weight"]}
    for conv, norm, ours_conv, ours_norm in _layer_names(depth):
        converted[f"{ours_conv}.weight"] = state[f"{conv}.weight"]
        for kind in ("weight", "bias", "running_mean", "running_var"):
            steps = [state[f"{norm}.{t}.{kind}"] for t in range(timesteps)]
            converted[f"{ours_norm}.{kind}"] = torch.stack(steps)
    return converted


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
