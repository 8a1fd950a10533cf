"""The same S-ResNet in other hands: SpikingJelly, snnTorch, plain PyTorch step by step, and its convolutions alone.

Every one: stem, three stages of `depth` blocks at w, 2w, 4w, sums of spikes as shortcuts, a 1x1 convolution with
normalisation at a change of shape, mean pooling, linear head, mean over time; batch normalisation over T and N (step by
step: over N), LIF with lambda 0.5, a subtracting reset. They are built as their documentation shows, on their default
(torch) back end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lightning_modules.choices import ModelChoices
from lightning_modules.network import SpikingResNet
from lightning_modules.precision import Precision, computed_in

Make = Callable[[], nn.Module]


def ours(backend: str, *, depth: int, width: int, timesteps: int, channels: int) -> nn.Module:
    """The network of this package, on one back end."""
    choices = ModelChoices.model_validate(
        {"depth": depth, "width": width, "timesteps": timesteps, "normalization": "bn", "leak": 0.5}
    )
    network = SpikingResNet(choices, in_channels=channels, classes=10)
    network.use_backend(backend)  # type: ignore[arg-type]
    return network


def training_step(
    network: nn.Module, x: Tensor, target: Tensor, precision: Precision = "32-true"
) -> Callable[[], None]:
    """Forward, backward and SGD of any of the networks, whenever it is called."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with computed_in(precision, x.device):
            logits = network(x)
        F.cross_entropy(logits.float(), target).backward()
        optimizer.step()

    return step


class Rival(nn.Module):
    """The network on `[T, N, C, H, W]` or, `stepwise`, on one step after the other."""

    def __init__(self, *, depth: int, width: int, timesteps: int, channels: int, parts: Any) -> None:
        super().__init__()
        self.timesteps, self.parts = timesteps, parts
        self.stem = nn.Sequential(parts.conv(channels, width, 3, 1), parts.norm(width), parts.fire())
        blocks, before = [], width
        for stage in range(3):
            for block in range(depth):
                stride = 2 if stage and not block else 1
                blocks.append(_Block(before, width * 2**stage, stride, parts))
                before = width * 2**stage
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Linear(before, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        self.parts.reset(self)
        if not self.parts.stepwise:
            return self.once(x.expand(self.timesteps, *x.shape)).mean(0)
        return torch.stack([self.once(x) for _ in range(self.timesteps)]).mean(0)

    def once(self, x: Tensor) -> Tensor:
        """Outputs of one call: all steps, or one."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.head(x.mean((-2, -1)))
        return out


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int, parts: Any) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *(parts.conv(before, after, 3, stride), parts.norm(after), parts.fire()),
            *(parts.conv(after, after, 3, 1), parts.norm(after), parts.fire()),
        )
        self.shortcut = None
        if stride != 1:
            self.shortcut = nn.Sequential(parts.conv(before, after, 1, stride), parts.norm(after))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.branch(x) + (x if self.shortcut is None else self.shortcut(x))
        return out


class PlainParts:
    """Plain PyTorch, one step after the other."""

    stepwise = True

    def conv(self, before: int, after: int, size: int, stride: int) -> nn.Module:
        return nn.Conv2d(before, after, size, stride, size // 2, bias=False)

    def norm(self, channels: int) -> nn.Module:
        return nn.BatchNorm2d(channels)

    def fire(self) -> nn.Module:
        return _PlainLIF()

    def reset(self, network: nn.Module) -> None:
        for module in network.modules():
            if isinstance(module, _PlainLIF):
                module.v = None


class _PlainLIF(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.v: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        v = x if self.v is None else 0.5 * self.v + x
        spikes: Tensor = _Triangle.apply(v - 1)
        self.v = v - spikes.detach()
        return spikes


class _Triangle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor) -> Tensor:
        ctx.save_for_backward(u)
        return (u > 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (u,) = ctx.saved_tensors
        return grad * (0.3 * (1 - u.abs()).clamp_min(0))


class SnnTorchParts(PlainParts):
    """snnTorch's `Leaky`, which keeps its membrane between steps."""

    def fire(self) -> nn.Module:
        import snntorch

        return snntorch.Leaky(beta=0.5, init_hidden=True, spike_grad=snntorch.surrogate.atan())

    def reset(self, network: nn.Module) -> None:
        for module in network.modules():
            if hasattr(module, "reset_hidden"):
                module.detach_hidden()
                module.reset_hidden()


class SpikingJellyParts:
    """SpikingJelly's multi-step layers."""

    stepwise = False

    def conv(self, before: int, after: int, size: int, stride: int) -> nn.Module:
        from spikingjelly.activation_based import layer

        return layer.Conv2d(before, after, size, stride, size // 2, bias=False, step_mode="m")

    def norm(self, channels: int) -> nn.Module:
        from spikingjelly.activation_based import layer

        return layer.BatchNorm2d(channels, step_mode="m")

    def fire(self) -> nn.Module:
        from spikingjelly.activation_based import neuron, surrogate

        settings: dict[str, Any] = {"tau": 2.0, "decay_input": False, "v_reset": None, "detach_reset": True}
        return neuron.LIFNode(**settings, surrogate_function=surrogate.ATan(), step_mode="m")

    def reset(self, network: nn.Module) -> None:
        from spikingjelly.activation_based import functional

        functional.reset_net(network)


class Convolutions(nn.Module):
    """Every convolution of the network on channels-last spikes, and nothing between them: the floor."""

    def __init__(
        self,
        *,
        depth: int,
        width: int,
        timesteps: int,
        channels: int,
        size: int,
        batch: int,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        layers = [(1, channels, width, 3, 1, size)]
        before = width
        for stage in range(3):
            after, here = width * 2**stage, size // 2**stage
            for block in range(depth):
                stride = 2 if stage and not block else 1
                layers.append((timesteps, before, after, 3, stride, here * stride))
                layers.append((timesteps, after, after, 3, 1, here))
                if stride == 2:
                    layers.append((timesteps, before, after, 1, stride, here * stride))
                before = after
        convs = (nn.Conv2d(c, d, k, s, k // 2, bias=False) for _, c, d, k, s, _ in layers)
        self.convs = nn.ModuleList(convs).to(device, dtype, memory_format=torch.channels_last)
        shapes = [(steps * batch, c, side, side) for steps, c, _, _, _, side in layers]
        self.inputs = [
            torch.rand(shape, device=device)
            .gt(0.8)
            .to(dtype)
            .contiguous(memory_format=torch.channels_last)
            .requires_grad_(bool(index))
            for index, shape in enumerate(shapes)
        ]

    def step(self) -> None:
        """All of them, forward and backward."""
        self.zero_grad()
        for conv, x in zip(self.convs, self.inputs, strict=True):
            x.grad = None
            out = conv(x)
            out.backward(torch.ones_like(out))
