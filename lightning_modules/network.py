"""The S-ResNet family (Vicente-Sola et al. 2022): stem, stages of residual blocks and head, assembled from levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules import allocator, catalogue
from lightning_modules.building import create
from lightning_modules.choices import ModelChoices
from lightning_modules.kernels import compiler
from lightning_modules.layers import Backend, Layers, NormFire, StepConv2d, normalise
from lightning_modules.normalization import Normalization
from lightning_modules.precision import precise
from lightning_modules.recomputation import recomputed

# Here, since whoever trains imports this module before the first activations are made.
allocator.keep_freed_memory()

_NEURON_SETTINGS = ("neuron", "leak", "threshold", "reset", "detach_reset", "fire", "scale", "surrogate")


class SpikingResNet(nn.Module):
    """A spiking residual network of 6 depth + 2 layers for images or event frames.

    Args:
        choices: the levels and sizes.
        in_channels: channels of the input.
        classes: number of classes.
        events: whether the input is frames, which are resized to `choices.frame_size`; the first convolution then has
            stride 2.

    Attributes:
        timesteps: T.
        encoder: turns the input into `[T, N, C, H, W]`; says what input range it expects and whether it takes noise.
        readout: turns outputs `[t, N, outputs]` of any number of steps into logits.
        initialization: fills one weight, `(weight, generator) -> None`.
        checkpoint_activations: whether the backward pass computes what blocks keep inside once more, see
            `lightning_modules.recomputation`; no value depends on it.

    Raises:
        ValueError: if the levels cannot be combined (`lightning_modules.constraints` says so before anything is built).
    """

    def __init__(self, choices: ModelChoices, *, in_channels: int, classes: int, events: bool = False) -> None:
        super().__init__()
        self.choices = choices
        self.events = events
        self.checkpoint_activations = False
        self.timesteps = choices.timesteps
        self.initialization = create("initialization", choices.initialization)
        stages, layers = _stages(choices)
        self._layers = layers
        block: Any = stages[0][0]
        self.encoder: Any = self._encoder()
        self.stem = Stem(in_channels, choices.width, 2 if events else 1, layers, fires=block.stem_fires)
        self.stages = nn.Sequential(*stages)
        self.readout: Any = create("readout", choices.readout, classes=classes)
        neurons = {"before": block.head_fires, "after": self.readout.spiking}
        self.head = Head(4 * choices.width, self.readout.outputs, layers, **neurons)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                self.initialization(module.weight)

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Logits `[N, classes]`; see `outputs`."""
        logits: Tensor = self.readout(self.outputs(x, noise))
        return logits

    def outputs(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Outputs of the head over time, `[T, N, outputs]`.

        Args:
            x: images `[N, C, H, W]` in the encoder's range, or frames `[N, T, C, H, W]` (event counts, any type).
            noise: uniform in [0, 1), `[T, N, C, H, W]`, for a stochastic encoder; drawn anew if None.

        Raises:
            ValueError: for an input of another shape, or for another T than the levels were built for.
        """
        steps = self.encoder(self._checked(x), noise)
        self._check_timesteps(len(steps))
        hidden = self.stem(steps, self.encoder.static)
        if self.checkpoint_activations and torch.is_grad_enabled():
            for block in (block for stage in self.stages for block in stage.children()):
                hidden = recomputed(block, hidden)
        else:
            hidden = self.stages(hidden)
        outputs: Tensor = self.head(hidden)
        return outputs.to(precise(outputs.dtype))

    def set_timesteps(self, timesteps: int) -> None:
        """Encode images, or expect frames, in another number of steps from now on.

        Raises:
            ValueError: if a level has T baked into its weights; it is named. Or for less than one step.
        """
        self._check_timesteps(timesteps)
        self.timesteps = timesteps
        self.encoder = self._encoder()

    def sees_future(self) -> str | None:
        """Which level computes step t from steps behind it too; None where the first t steps decide the output at t."""
        return self._layers.sees_future()

    def use_backend(self, backend: Backend) -> None:
        """Let kernels of this back end compute convolutions, normalisations and neurons from now on, where they can.

        Raises:
            ValueError: for `triton` where it is not installed.
        """
        if backend == "triton" and (reason := compiler.without_triton()):
            raise ValueError(f"backend: triton cannot compute here, {reason}")
        for module in self.modules():
            if isinstance(module, StepConv2d | NormFire | Normalization):
                module.backend = backend

    def spiking_layers(self) -> Iterator[tuple[str, nn.Module]]:
        """Every neuron layer by name, from input to output; its output `[T, N, ...]` is spikes, before any addition."""
        for name, module in self.named_modules():
            if isinstance(module, NormFire):
                yield name, module.neuron

    def _encoder(self) -> nn.Module:
        level = self.choices.encoding
        kind = catalogue.fact("encoding", level, "input")
        if kind is not None and (kind == "events") != self.events:
            raise ValueError(f"encoding: {level.name} is not for {'events' if self.events else 'images'}")
        size = {"size": self.choices.frame_size} if self.events else {}
        encoder: nn.Module = create("encoding", level, timesteps=self.timesteps, **size)
        return encoder

    def _checked(self, x: Tensor) -> Tensor:
        wanted = "frames [N, T, C, H, W]" if self.events else "images [N, C, H, W]"
        channels = self.stem.conv.in_channels
        if x.ndim != wanted.count(",") + 1 or x.shape[-3] != channels:
            raise ValueError(f"input: shape {tuple(x.shape)} is not {wanted} with C = {channels}")
        return x.to(self.stem.conv.weight.dtype)

    def _check_timesteps(self, timesteps: int) -> None:
        fixed = self._layers.fixed_timesteps()
        if fixed is not None and timesteps != self.choices.timesteps:
            raise ValueError(
                f"timesteps: {fixed} has T = {self.choices.timesteps} baked into its weights, not {timesteps}"
            )


class Stem(nn.Module):
    """conv3x3, normalisation and, unless the residual level leaves it out, a neuron."""

    def __init__(self, in_channels: int, width: int, stride: int, layers: Layers, *, fires: bool) -> None:
        super().__init__()
        self.conv = StepConv2d(in_channels, width, 3, stride)
        self.fire = layers.norm_fire(width) if fires else layers.norm(width)

    def forward(self, steps: Tensor, static: bool) -> Tensor:
        """`[T, N, width, H, W]`; where every step is alike (`static`), the convolution is computed once."""
        if not static:
            current = self.conv(steps)
            return self.fire(current) if isinstance(self.fire, NormFire) else normalise(self.fire, current)
        current = self.conv(steps[:1])
        if isinstance(self.fire, NormFire):
            return self.fire(current, steps=len(steps))
        return normalise(self.fire, current, len(steps))


class Head(nn.Module):
    """Global average pool and a linear layer without bias, with a neuron before or after where a level asks for it."""

    def __init__(self, channels: int, outputs: int, layers: Layers, *, before: bool, after: bool) -> None:
        super().__init__()
        self.before = layers.neurons(channels) if before else None
        self.linear = nn.Linear(channels, outputs, bias=False)
        self.after = layers.neurons(outputs, hidden=False) if after else None

    def forward(self, x: Tensor) -> Tensor:
        """`[T, N, C, H, W]` to `[T, N, outputs]`."""
        spikes = x if self.before is None else self.before(x)
        outputs: Tensor = self.linear(spikes.mean((-2, -1)))
        return outputs if self.after is None else self.after(outputs)


def _stages(choices: ModelChoices) -> tuple[list[nn.Sequential], Layers]:
    """Three stages of blocks at widths w, 2w, 4w, and what makes their layers."""
    own = catalogue.fact("residual", choices.residual, "own_membrane") == "own"
    neurons = {} if own else {name: getattr(choices, name) for name in _NEURON_SETTINGS}
    settings: dict[str, Any] = {
        "timesteps": choices.timesteps,
        "normalization": choices.normalization,
        "shortcut": choices.shortcut,
        "zero_init_residual": choices.zero_init_residual,
        **neurons,
    }
    stages, before = [], choices.width
    for stage in range(3):
        width = choices.width * 2**stage
        strides = [1 if stage == 0 else 2] + [1] * (choices.depth - 1)
        channels = [before] + [width] * (choices.depth - 1)
        blocks = [
            create("residual", choices.residual, in_channels=c, out_channels=width, stride=s, **settings)
            for c, s in zip(channels, strides, strict=True)
        ]
        stages.append(nn.Sequential(*blocks))
        before = width
    return stages, blocks[0].layers
