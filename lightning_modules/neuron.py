"""Neurons: an input current over time `[T, ...]` becomes spikes of the same shape. No state survives a forward pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypedDict, Unpack

import torch
from torch import Tensor, nn

from lightning_modules.building import create
from lightning_modules.kernels.eager import Dynamics, Reset, Variation, spikes_by_loop
from lightning_modules.kernels.scan import spikes_by_scan
from lightning_modules.level import Level
from lightning_modules.surrogate import Surrogate

Fuse = Callable[[Tensor, Dynamics, Variation, Surrogate], Tensor]


class Common(TypedDict, total=False):
    """The structural arguments that every neuron takes, see `Neuron`."""

    leak: float
    threshold: float
    reset: Reset
    detach_reset: bool
    fire: Literal["gt", "ge"]
    scale: Literal["theta", "none"]
    surrogate: str | Level | Mapping[str, Any] | Surrogate
    timesteps: int | None
    channels: int | None


class Neuron(nn.Module):
    """What all neurons share.

    Args:
        leak: fraction of the membrane kept from one step to the next.
        threshold: theta.
        reset: `subtract`, `zero` or `none`, in the same step as the spike.
        detach_reset: whether the gradient ignores that the reset depends on the spike.
        fire: `gt` fires above the threshold, `ge` also on it.
        scale: the surrogate's argument is v / theta - 1 (`theta`) or v - theta (`none`).
        surrogate: a level of the axis `surrogate`, or the module itself.
        timesteps: T, for the neurons whose weights depend on it.
        channels: C, for neurons with a parameter a channel; none of the built-in ones has.

    Raises:
        ValueError: for a threshold that is not above 0, or an unknown reset, fire or scale.
    """

    spiking = True

    def __init__(
        self,
        *,
        leak: float = 0.8744,
        threshold: float = 1.0,
        reset: Reset = "subtract",
        detach_reset: bool = True,
        fire: Literal["gt", "ge"] = "gt",
        scale: Literal["theta", "none"] = "theta",
        surrogate: str | Level | Mapping[str, Any] | Surrogate = "triangle",
        timesteps: int | None = None,
        channels: int | None = None,
    ) -> None:
        super().__init__()
        _one_of("reset", reset, ("subtract", "zero", "none"))
        _one_of("fire", fire, ("gt", "ge"))
        _one_of("scale", scale, ("theta", "none"))
        if not threshold > 0:
            raise ValueError(f"threshold: {threshold!r} is not a number above 0")
        self.dynamics = Dynamics(leak, 1.0, threshold, reset, detach_reset, fire, scale)
        self.surrogate = surrogate if isinstance(surrogate, Surrogate) else create("surrogate", surrogate)
        self.timesteps = timesteps

    def forward(self, x: Tensor, membrane_norm: nn.Module | None = None) -> Tensor:
        """Spikes `[T, ...]` for the input current x `[T, ...]`.

        Args:
            x: the input current.
            membrane_norm: normalisation `[N, ...] -> [N, ...]` of the membrane before it is compared; its attribute
                `carry` says whether the normalised membrane is also carried on (level `mpbn`).
        """
        raise NotImplementedError


class MembraneNeuron(Neuron):
    """A neuron with a membrane that is integrated step by step."""

    def variation(self) -> Variation:
        """Where this neuron departs from the linear membrane, for one forward pass."""
        return Variation()

    @property
    def fusible(self) -> bool:
        """Whether kernels know this neuron: it is the plain loop over time, and its variation is numbers."""
        return type(self).forward is MembraneNeuron.forward and self.variation().numeric

    def forward(self, x: Tensor, membrane_norm: nn.Module | None = None, fuse: Fuse | None = None) -> Tensor:
        """As of every neuron; `fuse` computes the spikes in place of this class, for a `fusible` neuron."""
        if fuse is not None:
            return fuse(x, self.dynamics, self.variation(), self.surrogate)
        vary = _with_norm(self.variation(), membrane_norm)
        if vary == Variation():
            return spikes_by_scan(x, self.dynamics, self.surrogate)
        return spikes_by_loop(x, self.dynamics, self.surrogate, vary)


class IF(MembraneNeuron):
    """Integrate and fire: v <- v + x."""

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self.dynamics = replace(self.dynamics, leak=1.0)


class LIF(MembraneNeuron):
    """Leaky integrate and fire: v <- lambda v + x, with `decay_input` v <- lambda v + (1 - lambda) x.

    Source: S-ResNet (Vicente-Sola et al. 2022) with a leak and an unscaled input; SpikingJelly (Fang et al. 2023)
    with tau, lambda = 1 - 1/tau.

    Args:
        tau: time constant; takes the place of `leak` unless None.
        decay_input: whether the input is scaled by 1/tau.
        **common: see `Neuron`.
    """

    def __init__(self, *, tau: float | None, decay_input: bool, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        leak = self.dynamics.leak if tau is None else 1 - 1 / tau
        self.dynamics = replace(self.dynamics, leak=leak, gain=1 - leak if decay_input else 1.0)


class PLIF(MembraneNeuron):
    """LIF that learns its time constant: 1/tau = sigmoid(w), one w a layer. Source: Fang et al. 2021 (PLIF).

    Args:
        tau0: initial time constant, w = -ln(tau0 - 1).
        decay_input: whether the input is scaled by 1/tau.
        **common: see `Neuron`; `leak` has no effect.
    """

    def __init__(self, *, tau0: float, decay_input: bool, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        self.w = nn.Parameter(torch.tensor(-math.log(tau0 - 1)))
        self.decay_input = decay_input

    def variation(self) -> Variation:
        rate = self.w.sigmoid()
        return Variation(leak=1 - rate, gain=rate if self.decay_input else None)


class KLIF(LIF):
    """LIF whose membrane is replaced by ReLU(k v) before it is compared and reset; one learnt k a layer, from 1.

    Source: Jiang & Zhang 2023 (KLIF).
    """

    def __init__(self, *, tau: float | None, decay_input: bool, **common: Unpack[Common]) -> None:
        super().__init__(tau=tau, decay_input=decay_input, **common)
        self.k = nn.Parameter(torch.tensor(1.0))

    def variation(self) -> Variation:
        return Variation(rectified=self.k)


class ALIF(LIF):
    """LIF with an adaptive threshold theta + beta a, a <- rho a + (1 - rho) s after each step.

    Source: Bellec et al. 2018. A reset by subtraction takes the raised threshold off, as there.

    Args:
        beta: how far a full adaptation raises the threshold.
        rho: fraction of the adaptation kept from one step to the next.
        tau, decay_input: see `LIF`.
        **common: see `Neuron`.
    """

    def __init__(
        self, *, beta: float, rho: float, tau: float | None, decay_input: bool, **common: Unpack[Common]
    ) -> None:
        super().__init__(tau=tau, decay_input=decay_input, **common)
        self.beta, self.rho = beta, rho

    def variation(self) -> Variation:
        return Variation(adaptation=(self.beta, self.rho))


class PSN(Neuron):
    """Parallel spiking neuron: spikes where W x + b passes 0, W a learnt T x T over time; it sees future steps.

    Source: Fang et al. 2023 (PSN). There is no membrane: leak, threshold and reset have no effect (b starts at -1).

    Raises:
        ValueError: without `timesteps`, with a membrane normalisation, or for an input of other than T steps.
    """

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        if self.timesteps is None:
            raise ValueError("timesteps: psn has one weight a pair of steps and needs to know T")
        self.weight = nn.Parameter(torch.empty(self.timesteps, self.timesteps))
        self.bias = nn.Parameter(torch.empty(self.timesteps, 1))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw W uniformly (Kaiming, a = sqrt 5) and set b to -1."""
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5), generator=generator)
        nn.init.constant_(self.bias, -1.0)

    def mixing(self) -> Tensor:
        """W, `[T, T]`."""
        return self.weight

    def forward(self, x: Tensor, membrane_norm: nn.Module | None = None) -> Tensor:
        if membrane_norm is not None:
            raise ValueError("normalization: mpbn normalises a membrane, and a psn has none")
        if len(x) != self.timesteps:
            raise ValueError(f"timesteps: this psn was built for {self.timesteps} steps and got {len(x)}")
        u = torch.addmm(self.bias, self.mixing(), x.flatten(1))
        return self.surrogate.spike(u, self.dynamics.fire).view_as(x)


class MaskedPSN(PSN):
    """PSN that sees no future: W is lower triangular, with `order` only its last `order` diagonals.

    Source: Fang et al. 2023 (masked PSN), with the mask in full force from the start.

    Args:
        order: steps seen, the present one included; all up to now if None.
        **common: see `PSN`.
    """

    mask: Tensor

    def __init__(self, *, order: int | None, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        mask = torch.ones_like(self.weight).tril()
        self.register_buffer("mask", mask if order is None else mask.triu(1 - order), persistent=False)

    def mixing(self) -> Tensor:
        return self.weight * self.mask


class ReLU(Neuron):
    """max(0, x): the control network without spikes. It has one step, and no setting of a neuron has an effect.

    Raises:
        ValueError: for more than one step, or with a membrane normalisation.
    """

    spiking = False

    def __init__(self, **common: Unpack[Common]) -> None:
        super().__init__(**common)
        if self.timesteps not in (None, 1):
            raise ValueError(f"timesteps: relu is the control without spikes and has 1 step, not {self.timesteps}")

    def forward(self, x: Tensor, membrane_norm: nn.Module | None = None) -> Tensor:
        if membrane_norm is not None:
            raise ValueError("normalization: mpbn normalises a membrane, and relu has none")
        if len(x) != 1:
            raise ValueError(f"timesteps: relu is the control without spikes and has 1 step, not {len(x)}")
        return torch.relu(x)


def _with_norm(vary: Variation, norm: nn.Module | None) -> Variation:
    if norm is None:
        return vary
    if not norm.carry:
        return replace(vary, compared=norm)
    earlier = vary.membrane
    return replace(vary, membrane=norm if earlier is None else lambda v: norm(earlier(v)))


def _one_of(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name}: {value!r} is not accepted; one of {', '.join(accepted)}")
