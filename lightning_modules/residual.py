"""Residual blocks on `[T, N, C, H, W]`: two 3x3 convolutions and a shortcut, joined in different ways.

A new kind of block is a subclass of `ResidualBlock` that overrides `join` (one function of the branch's spikes and the
shortcut), and an entry in the catalogue.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypedDict, Unpack

from torch import Tensor, nn

from lightning_modules.building import create
from lightning_modules.layers import Layers, LevelLike, StepConv2d, normalise


class Common(TypedDict, total=False):
    """The structural arguments that every block takes, see `ResidualBlock`."""

    stride: int
    shortcut: LevelLike | None
    zero_init_residual: bool | None
    normalization: LevelLike
    neuron: LevelLike
    leak: float
    threshold: float
    reset: Literal["subtract", "zero", "none"]
    detach_reset: bool
    fire: Literal["gt", "ge"]
    scale: Literal["theta", "none"]
    surrogate: LevelLike


class ResidualBlock(nn.Module):
    """a = SN(norm conv SN(norm conv x)) joined with a shortcut s; s is x itself where the shape does not change.

    Args:
        in_channels, out_channels: channels before and after.
        stride: step of the first convolution.
        timesteps: T.
        shortcut: level of the axis `shortcut` at a change of shape; None is the level's own.
        zero_init_residual: whether the branch's last norm starts with weight 0; None is the level's own choice, which
            then holds where the normalisation has a weight.
        normalization, neuron, leak, threshold, reset, detach_reset, fire, scale, surrogate: see `Layers`.

    Attributes:
        layers: makes the normalisations and neurons of this block; a network's stem and head ask it too.
        stem_fires: whether the network's stem ends in a neuron.
        head_fires: whether a neuron comes before the network's head.

    Raises:
        ValueError: if `zero_init_residual` is asked of a normalisation without a weight (or bias, where it needs one).
    """

    stem_fires: ClassVar[bool] = True
    head_fires: ClassVar[bool] = False
    default_shortcut: ClassVar[str | None] = "conv_norm"
    default_zero_init: ClassVar[bool] = False
    joins_before_neuron: ClassVar[bool] = False
    norms_start_at_threshold: ClassVar[bool] = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        timesteps: int,
        stride: int = 1,
        shortcut: LevelLike | None = None,
        zero_init_residual: bool | None = None,
        normalization: LevelLike = "bntt",
        neuron: LevelLike = "lif",
        leak: float = 0.8744,
        threshold: float = 1.0,
        reset: Literal["subtract", "zero", "none"] = "subtract",
        detach_reset: bool = True,
        fire: Literal["gt", "ge"] = "gt",
        scale: Literal["theta", "none"] = "theta",
        surrogate: LevelLike = "triangle",
    ) -> None:
        super().__init__()
        self.layers = Layers(
            timesteps,
            normalization,
            neuron,
            leak,
            threshold,
            reset,
            detach_reset,
            fire,
            scale,
            surrogate,
            norms_start_at_threshold=self.norms_start_at_threshold,
        )
        self.conv1 = StepConv2d(in_channels, out_channels, 3, stride)
        self.conv2 = StepConv2d(out_channels, out_channels, 3)
        self.shortcut = self._shortcut(in_channels, out_channels, stride, shortcut)
        self.build(in_channels, out_channels)
        if self.default_zero_init if zero_init_residual is None else zero_init_residual:
            self.zero_init(required=zero_init_residual is not None)

    def _shortcut(self, in_channels: int, out_channels: int, stride: int, level: LevelLike | None) -> nn.Module | None:
        chosen = self.default_shortcut if level is None else level
        if chosen is None or (stride == 1 and in_channels == out_channels):
            return None
        sizes = {"in_channels": in_channels, "out_channels": out_channels, "stride": stride}
        made: nn.Module = create("shortcut", chosen, **sizes, layers=self.layers, added=self.joins_before_neuron)
        return made

    def build(self, in_channels: int, out_channels: int) -> None:
        """Add normalisations and neurons."""
        self.fire1 = self.layers.norm_fire(out_channels)
        self.fire2 = self.layers.norm_fire(out_channels, added=self.joins_before_neuron)

    def last_norm(self) -> Any:
        """The branch's last normalisation."""
        return self.fire2.norm

    def zero_init(self, required: bool) -> None:
        """Let the branch start at 0, so that the block starts as its shortcut.

        Args:
            required: whether a normalisation without a weight is an error; if not, it stays as it is.
        """
        if required or self.last_norm().weight is not None:
            self.last_norm().set_gain(0.0)

    def branch(self, x: Tensor) -> Tensor:
        """conv SN(norm conv x): the branch up to its last normalisation."""
        current: Tensor = self.conv2(self.fire1(self.conv1(x)))
        return current

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        """The block's output from the branch's spikes a and the shortcut s."""
        raise NotImplementedError

    def shortcut_of(self, x: Tensor) -> Tensor:
        """s."""
        return x if self.shortcut is None else self.shortcut(x)

    def forward(self, x: Tensor) -> Tensor:
        """`[T, N, in_channels, H, W]` to `[T, N, out_channels, H/stride, W/stride]`, sizes rounded up."""
        return self.join(self.fire2(self.branch(x)), self.shortcut_of(x))


class Plain(ResidualBlock):
    """SN(F(x)): no shortcut. Source: control of Fang et al. 2021.

    Raises:
        ValueError: for a `shortcut` or `zero_init_residual`.
    """

    default_shortcut = None

    def __init__(self, in_channels: int, out_channels: int, *, timesteps: int, **common: Unpack[Common]) -> None:
        for name in ("shortcut", "zero_init_residual"):
            if common.get(name):
                raise ValueError(f"{name}: {common[name]!r} is not accepted; plain has no shortcut")
        super().__init__(in_channels, out_channels, timesteps=timesteps, **common)

    def forward(self, x: Tensor) -> Tensor:
        spikes: Tensor = self.fire2(self.branch(x))
        return spikes


class Vanilla(ResidualBlock):
    """SN(F(x) + D(x)): the shortcut is added before the neuron. Source: Spiking ResNet, in Fang et al. 2021."""

    default_zero_init = True
    joins_before_neuron = True

    def forward(self, x: Tensor) -> Tensor:
        spikes: Tensor = self.fire2(self.branch(x), added=self.shortcut_of(x))
        return spikes


class SResNet(ResidualBlock):
    """a + s, where s is real-valued after a change of shape. Source: S-ResNet, Vicente-Sola et al. 2022."""

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s

    def forward(self, x: Tensor) -> Tensor:
        if type(self).join is not SResNet.join:  # of somebody who builds on this block
            return super().forward(x)
        # The sum is made where the spikes are, which saves a pass over both.
        joined: Tensor = self.fire2(self.branch(x), onto=self.shortcut_of(x))
        return joined


class SewAdd(SResNet):
    """a + s. Source: SEW-ResNet, Fang et al. 2021."""

    default_shortcut = "conv_norm_sn"


class SewAnd(ResidualBlock):
    """a s. Source: SEW-ResNet, Fang et al. 2021.

    Starting as its shortcut takes a branch that always fires: zero-init also sets the last norm's bias to 1.
    """

    default_shortcut = "conv_norm_sn"

    def zero_init(self, required: bool) -> None:
        super().zero_init(required)
        self.last_norm().set_bias(1.0)

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return a * s


class SewIand(ResidualBlock):
    """s (1 - a). Source: SEW-ResNet, Fang et al. 2021."""

    default_shortcut = "conv_norm_sn"

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return s * (1 - a)


class Or(ResidualBlock):
    """a + s - a s. Source: OR residual, Shan et al. 2023."""

    default_shortcut = "conv_norm_sn"

    def join(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s - a * s


class MembraneShortcut(ResidualBlock):
    """norm conv SN(norm conv SN(x)) + D(x), no neuron after the sum: real values travel along the shortcuts.

    All norm weights start at theta, the last of each block at 0. Source: MS-ResNet, Hu et al. 2021.

    Args:
        membrane: `own` takes the source's neuron for every setting that is not given: lif, decay 0.25, theta 0.5, zero
            reset detached, rectangle on v - theta; `model` takes the defaults of the other blocks.
        in_channels, out_channels, timesteps, **common: see `ResidualBlock`.
    """

    stem_fires = False
    head_fires = True
    default_zero_init = True
    joins_before_neuron = True
    norms_start_at_threshold = True
    own: ClassVar[Common] = {
        "neuron": "lif",
        "leak": 0.25,
        "threshold": 0.5,
        "reset": "zero",
        "detach_reset": True,
        "fire": "gt",
        "scale": "none",
        "surrogate": {"name": "rectangle", "a": 0.5},
    }

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        timesteps: int,
        membrane: Literal["own", "model"],
        **common: Unpack[Common],
    ) -> None:
        settings: Common = {**self.own, **common} if membrane == "own" else common
        super().__init__(in_channels, out_channels, timesteps=timesteps, **settings)

    def build(self, in_channels: int, out_channels: int) -> None:
        self.fire1 = self.layers.neurons(in_channels)
        self.fire2 = self.layers.norm_fire(out_channels)
        self.norm = self.layers.norm(out_channels, added=True)

    def last_norm(self) -> Any:
        return self.norm

    def branch(self, x: Tensor) -> Tensor:
        current: Tensor = self.conv2(self.fire2(self.conv1(self.fire1(x))))
        return current

    def forward(self, x: Tensor) -> Tensor:
        return normalise(self.norm, self.branch(x)) + self.shortcut_of(x)
