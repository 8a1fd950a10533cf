"""The parts that blocks, stem and head are made of, on time-first tensors `[T, N, C, H, W]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from lightning_modules import catalogue
from lightning_modules.building import create
from lightning_modules.kernels import compiled, compiler, convolution, coverage
from lightning_modules.kernels.compiler import Backend
from lightning_modules.kernels.eager import Dynamics, Variation
from lightning_modules.kernels.fused import normalise_and_fire
from lightning_modules.kernels.layer import Kernels, Neuron
from lightning_modules.kernels.passes import InPasses
from lightning_modules.level import Level
from lightning_modules.neuron import MembraneNeuron
from lightning_modules.normalization import Normalization
from lightning_modules.precision import precise
from lightning_modules.surrogate import Surrogate

LevelLike = str | Level | Mapping[str, Any]


class StepConv2d(nn.Conv2d):
    """A convolution without bias of every step at once: `[T, N, C, H, W]`, computed as one batch of T N images.

    Its output lies in memory with the channels last, whatever the input: convolutions and batch statistics are faster
    so, and what follows keeps the order, so that nothing is copied between layers.

    Attributes:
        backend: whose kernels compute it where they can, as for `NormFire`; else the library.
    """

    backend: Backend = "auto"

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        images, stride = x.flatten(0, 1), self.stride
        if self._compiles(x) and convolution.fits(images, self.weight, self.groups):
            current = convolution.convolve(images, self.weight, stride[0])
            return current.view(*x.shape[:2], *current.shape[1:])
        if self.kernel_size == (1, 1):
            # It reads every stride-th pixel alone. Leaving the others out here costs less, and spares processors with
            # AVX2 alone oneDNN's backward pass of such a convolution with few channels, which writes outside its memory
            # (torch 2.13 at least).
            images, stride = (images if stride == (1, 1) else _EveryPixel.apply(images, stride[0])), (1, 1)
        images = images.contiguous(memory_format=torch.channels_last)
        current = nn.functional.conv2d(images, self.weight, None, stride, self.padding, groups=self.groups)
        # With one channel or pixel the order is ambiguous, and a convolution may choose the other.
        current = current.contiguous(memory_format=torch.channels_last)
        return current.view(*x.shape[:2], *current.shape[1:])

    def _compiles(self, x: Tensor) -> bool:
        return self.backend != "triton" and _kernels(self.backend, x, None, self.training) is compiled


class _EveryPixel(torch.autograd.Function):
    """Every stride-th pixel of images with channels last; the gradient has them last too, which a slice's has not."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, stride: int) -> Tensor:
        ctx.shape, ctx.stride = images.shape, stride
        return images[..., ::stride, ::stride].contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        whole = torch.empty(ctx.shape, dtype=grad.dtype, device=grad.device, memory_format=torch.channels_last).zero_()
        whole[..., :: ctx.stride, :: ctx.stride] = grad
        return whole, None


def normalise(norm: nn.Module, x: Tensor, steps: int | None = None) -> Tensor:
    """x `[T, N, ...]` normalised, with no neuron behind it, by the kernels of `norm.backend` where it has any for that.

    Args:
        norm: the normalisation.
        x: the current; `[1, N, ...]` where it holds for every step.
        steps: T, if x holds for every step.
    """
    if isinstance(norm, Normalization) and _fits(x) and not norm._forward_hooks:
        kernels = _kernels(norm.backend, x, steps, norm.training)
        if kernels is compiled and (folded := norm.folded()) is not None:
            total = len(x) if steps is None else steps
            norm.check_steps(total)
            return normalise_and_fire(x, total, folded, None, kernels=kernels)
    every: Tensor = norm(x if steps is None else x.expand(steps, *x.shape[1:]))
    return every


class NormFire(nn.Module):
    """Where normalisation and neuron meet: spikes of a current, normalised first.

    Attributes:
        norm: the normalisation, or None where the neuron reads its input as it is.
        membrane_norm: the normalisation of the neuron's membrane, for the levels that have one.
        neuron: the neuron; its output are the spikes of this layer.
        backend: `eager`, or one that does both in one, see `fuses`: `compiled` on the CPU, `triton` on CUDA GPUs.
            `auto` compiles large layers in training on the CPU.
    """

    backend: Backend = "auto"

    def __init__(self, norm: nn.Module | None, neuron: nn.Module, membrane_norm: nn.Module | None) -> None:
        super().__init__()
        self.norm = norm
        self.neuron = neuron
        self.membrane_norm = membrane_norm

    def forward(
        self, x: Tensor, added: Tensor | None = None, steps: int | None = None, onto: Tensor | None = None
    ) -> Tensor:
        """Spikes `[T, N, ...]` for x `[T, N, ...]`, in the type of x; computed in float32 at least.

        Args:
            x: the current.
            added: joins it after the normalisation.
            steps: T, where x `[1, N, ...]` holds for every step.
            onto: joins the spikes.
        """
        kernels = _kernels(self.backend, x, steps, self.training)
        if kernels is not None and self.fuses(x):
            # Spikes are counted by hooks on the neuron: what joins them comes after.
            joins = onto is not None and onto.dtype == x.dtype and not self.neuron._forward_hooks
            spikes = self._fused(kernels, x, added, steps, onto if joins else None).to(x.dtype)
            return spikes if joins or onto is None else spikes + onto
        spikes = self.neuron(self._current(x, added, steps), membrane_norm=self.membrane_norm).to(x.dtype)
        return spikes if onto is None else spikes + onto

    def fuses(self, x: Tensor) -> bool:
        """Whether kernels can compute x here; what they leave to `eager` is in `kernels.coverage`."""
        known = isinstance(self.neuron, MembraneNeuron) and self.neuron.fusible and self.membrane_norm is None
        return known and _fits(x) and coverage.known(self.neuron.surrogate)

    def _fused(
        self, kernels: Kernels, x: Tensor, added: Tensor | None, steps: int | None, onto: Tensor | None
    ) -> Tensor:
        # A normalisation that somebody watches has to be called.
        folds = isinstance(self.norm, Normalization) and not self.norm._forward_hooks
        folded = self.norm.folded() if folds and isinstance(self.norm, Normalization) else None
        if folded is None:
            x, added, steps = self._current(x, added, steps), None, None
        elif steps is not None and added is not None:
            x, steps = x.expand(steps, *x.shape[1:]), None
        elif isinstance(self.norm, Normalization):
            self.norm.check_steps(len(x) if steps is None else steps)
        total = len(x) if steps is None else steps

        def fuse(current: Tensor, dynamics: Dynamics, vary: Variation, surrogate: Surrogate) -> Tensor:
            neuron = Neuron(dynamics, vary, surrogate)
            return normalise_and_fire(current, total, folded, neuron, kernels=kernels, added=added, onto=onto)

        spikes: Tensor = self.neuron(x, fuse=fuse)
        return spikes

    def _current(self, x: Tensor, added: Tensor | None, steps: int | None) -> Tensor:
        every = x.to(precise(x.dtype))
        every = every if steps is None else every.expand(steps, *x.shape[1:])
        current = every if self.norm is None else self.norm(every)
        return current if added is None else current + added


def _fits(x: Tensor) -> bool:
    return x.ndim == 5 and x.numel() > x.shape[0] * x.shape[2]


def _kernels(backend: Backend, x: Tensor, steps: int | None, training: bool) -> Kernels | None:
    """Those that a back end has for x; None for the eager one."""
    if backend == "eager":
        return None
    if backend == "triton" and not x.is_cuda and not compiler.interpreted():
        raise ValueError(f"backend: triton computes on CUDA GPUs, and this is on {x.device}")
    if backend == "triton":
        return _triton()
    if x.device.type != "cpu":
        return None
    if backend == "auto":
        worth = training and torch.is_grad_enabled() and x.numel() * (steps or 1) >= compiler.WORTH_A_LAYER
        return compiled if worth and compiler.unavailable() is None else None
    return compiled


def _triton() -> Kernels:
    # Late, since it imports Triton.
    from lightning_modules.kernels import triton_backend

    return InPasses(triton_backend)


@dataclass(frozen=True)
class Layers:
    """Makes every normalisation and neuron of a network alike; the defaults are those of S-ResNet.

    Attributes:
        timesteps: T.
        normalization, neuron, surrogate: levels of these axes.
        leak, threshold, reset, detach_reset, fire, scale: see `lightning_modules.neuron.Neuron`.
        norms_start_at_threshold: whether the weights of normalisations start at theta instead of their level's value.
    """

    timesteps: int
    normalization: LevelLike = "bntt"
    neuron: LevelLike = "lif"
    leak: float = 0.8744
    threshold: float = 1.0
    reset: Literal["subtract", "zero", "none"] = "subtract"
    detach_reset: bool = True
    fire: Literal["gt", "ge"] = "gt"
    scale: Literal["theta", "none"] = "theta"
    surrogate: LevelLike = "triangle"
    norms_start_at_threshold: bool = False

    def norm(self, channels: int, *, added: bool = False, main: bool = True) -> Normalization:
        """A normalisation of C channels; `added` if another branch joins its output, `main` if not on a shortcut."""
        branch = "added" if added else "single"
        sizes = {"channels": channels, "timesteps": self.timesteps, "threshold": self.threshold}
        norm: Normalization = create("normalization", self.normalization, **sizes, branch=branch, main=main)
        if self.norms_start_at_threshold and norm.weight is not None:
            norm.set_gain(self.threshold)
        return norm

    def neurons(self, channels: int, *, hidden: bool = True) -> NormFire:
        """A neuron layer of C channels that reads its input as it is.

        A level that normalises membranes does so here too, but not behind the head (not `hidden`), where no
        normalisation stands.
        """
        membrane_norm = self.norm(channels).membrane_norm() if hidden else None
        return NormFire(None, self._neuron(channels), membrane_norm)

    def norm_fire(self, channels: int, *, added: bool = False, main: bool = True) -> NormFire:
        """A normalisation and the neuron that follows it."""
        norm = self.norm(channels, added=added, main=main)
        return NormFire(norm, self._neuron(channels), norm.membrane_norm())

    def _neuron(self, channels: int) -> nn.Module:
        names = ("leak", "threshold", "reset", "detach_reset", "fire", "scale", "surrogate", "timesteps")
        settings = {name: getattr(self, name) for name in names}
        neuron: nn.Module = create("neuron", self.neuron, channels=channels, **settings)
        return neuron

    def fixed_timesteps(self) -> str | None:
        """Which level has T baked into its weights (`normalization bntt`), None if T may change."""
        for axis, chosen in (("normalization", self.normalization), ("neuron", self.neuron)):
            level = catalogue.resolve(axis, chosen)
            if catalogue.fact(axis, level, "fixed_timesteps"):
                return f"{axis} {level}"
        return None

    def sees_future(self) -> str | None:
        """Which level computes step t from steps behind it too (`neuron psn`), None if there is none."""
        level = catalogue.resolve("neuron", self.neuron)
        return f"neuron {level}" if catalogue.fact("neuron", level, "sees_future") else None
