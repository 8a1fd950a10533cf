"""Shortcuts at a change of shape: `[T, N, C, H, W]` to more channels and fewer pixels."""

from __future__ import annotations

from torch import Tensor, nn

from lightning_modules.layers import Layers, StepConv2d, normalise


class Shortcut(nn.Module):
    """What all shortcuts share.

    Args:
        in_channels, out_channels: channels before and after.
        stride: step of the convolution.
        layers: makes normalisations and neurons.
        added: whether the output joins another branch before a neuron.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, layers: Layers, added: bool = False
    ) -> None:
        super().__init__()
        self.conv = StepConv2d(in_channels, out_channels, 1, stride)
        self.build(in_channels, out_channels, layers, added)

    def build(self, in_channels: int, out_channels: int, layers: Layers, added: bool) -> None:
        """Add what stands around the convolution."""
        raise NotImplementedError


class ConvNorm(Shortcut):
    """norm(conv1x1(x)), real-valued. Source: He et al. 2016; S-ResNet and MS-ResNet."""

    def build(self, in_channels: int, out_channels: int, layers: Layers, added: bool) -> None:
        self.norm = layers.norm(out_channels, added=added, main=False)

    def forward(self, x: Tensor) -> Tensor:
        return normalise(self.norm, self.conv(x))


class ConvNormSN(Shortcut):
    """SN(norm(conv1x1(x))). Source: SEW-ResNet, Fang et al. 2021."""

    def build(self, in_channels: int, out_channels: int, layers: Layers, added: bool) -> None:
        self.fire = layers.norm_fire(out_channels, main=False)

    def forward(self, x: Tensor) -> Tensor:
        spikes: Tensor = self.fire(self.conv(x))
        return spikes


class SNConvNorm(ConvNorm):
    """norm(conv1x1(SN(x))), real-valued. Source: the pre-activation order of He et al. 2016, Identity Mappings."""

    def build(self, in_channels: int, out_channels: int, layers: Layers, added: bool) -> None:
        super().build(in_channels, out_channels, layers, added)
        self.fire = layers.neurons(in_channels)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.fire(x))


class AvgPoolConvNorm(ConvNorm):
    """norm(conv1x1(mean of each stride x stride square of x)), real-valued. Source: ResNet-D, He et al. 2019."""

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int, layers: Layers, added: bool = False
    ) -> None:
        super().__init__(in_channels, out_channels, stride=1, layers=layers, added=added)
        # Squares cut by the border count the pixels they have, so that odd sizes agree with the main path.
        self.pool = nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.pool(x.flatten(0, 1)).unflatten(0, x.shape[:2]))
