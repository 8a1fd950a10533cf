"""S networks of one cell as one: `[T, N, S C, H, W]`, member s in the channels from s C to (s + 1) C.

A small network leaves a large device waiting for the next operation. Side by side in the channels, S networks take as
many operations as one: convolutions become grouped, statistics of a batch are those of each channel anyway, and what
is computed element by element does not see the members at all. Nothing crosses from one member to another.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from lightning_modules import encoding, frames, neuron, residual, shortcut
from lightning_modules import normalization as norms
from lightning_modules.layers import NormFire, StepConv2d
from lightning_modules.network import Head, SpikingResNet, Stem

Skeleton = frozenset[type[nn.Module]]

_CHANNELWISE: Mapping[type[nn.Module], int] = {
    norms.NoNorm: 0,
    norms.BatchNorm: 0,
    norms.StepBatchNorm: 0,
    norms.ThresholdBatchNorm: 0,
    norms.MembraneBatchNorm: 0,
    norms.MembraneNorm: 0,
    norms.SecondMomentNorm: 0,
    norms.GroupNorm: 0,
    norms.LayerNorm: 0,
    norms.BatchNormThroughTime: 1,
    StepConv2d: 0,
}
"""What treats each channel, or each group of them, alike, and the dimension of its tensors that counts the channels."""

_ELEMENTWISE: Skeleton = frozenset({neuron.IF, neuron.LIF, neuron.ALIF, neuron.ReLU})
"""Neurons that treat every value alike."""

_SKELETON: Skeleton = frozenset(
    {
        SpikingResNet, Stem, Head, NormFire, nn.Sequential, nn.AvgPool2d,
        residual.Plain, residual.Vanilla, residual.SResNet, residual.SewAdd, residual.SewAnd, residual.SewIand,
        residual.Or, residual.MembraneShortcut,
        shortcut.ConvNorm, shortcut.ConvNormSN, shortcut.SNConvNorm, shortcut.AvgPoolConvNorm,
        encoding.Direct, encoding.Poisson, encoding.PoissonSigned, encoding.Latency, encoding.Phase,
        frames.EventCount, frames.EqualTime, frames.Voxel,
    }
)  # fmt: skip
"""What joins layers without mixing channels. A block of somebody else may, so it is not among them."""


class Unstackable(ValueError):  # noqa: N818 (says what cannot be stacked, which is no mistake)
    """A network that cannot be stacked; the message names the level."""


class Apart(nn.Module):
    """One layer of every member, each on its own channels: for layers that know more than their channels."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(layers)

    def forward(self, x: Tensor, *joining: Tensor | None, **named: Any) -> Tensor:
        """`[T, N, S C, ...]`; further tensors (`added`, `onto`) are shared out like x, all else goes to every layer."""
        count = len(self.members)

        def share(value: Any, member: int) -> Any:
            return value.chunk(count, 2)[member] if isinstance(value, Tensor) else value

        parts = [
            layer(share(x, s), *(share(each, s) for each in joining), **{k: share(v, s) for k, v in named.items()})
            for s, layer in enumerate(self.members)
        ]
        return torch.cat(parts, 2)


class GroupedLinear(nn.Module):
    """Every member's linear layer on its own features: `[T, N, S in]` to `[T, N, S out]`; `weight` is `[S out, in]`."""

    def __init__(self, weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.count = len(weights)
        self.weight = nn.Parameter(torch.cat([each.detach() for each in weights]))

    def forward(self, x: Tensor) -> Tensor:
        members = self.weight.unflatten(0, (self.count, -1))
        return torch.einsum("tnsi,soi->tnso", x.unflatten(2, (self.count, -1)), members).flatten(2)


class Folded(nn.Module):
    """The members' networks side by side, and what of it belongs to whom.

    The members' own weights are copied and stay as they are.

    Args:
        networks: of one cell, differing in their tensors alone.

    Attributes:
        network: takes and gives what one network does, with S times the channels.
        count: S.

    Raises:
        Unstackable: if a level is not known to keep its channels apart.
    """

    def __init__(self, networks: Sequence[SpikingResNet]) -> None:
        super().__init__()
        self.count = len(networks)
        self.network = copy.deepcopy(networks[0])
        self._names = [name for name, _ in networks[0].named_parameters()]
        self._states = list(networks[0].state_dict())
        self._dims: dict[str, int] = {}
        self._fold("", self.network, networks)
        self._places = [{name: self._place(name, s) for name in self._states} for s in range(self.count)]

    def outputs(self, x: Sequence[Tensor], noise: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        """Outputs over time of every member, `[T, N, outputs]` each, for its own input and noise."""
        drawn = [each for each in noise if each is not None]
        together = self.network.outputs(torch.cat(list(x), -3), torch.cat(drawn, -3) if drawn else None)
        return together.chunk(self.count, 2)

    def spiking_layers(self) -> Iterator[tuple[str, nn.Module, int | None]]:
        """Every neuron layer by the name it has in one network, and whose it is; None for that of all members."""
        for name, layer in self.network.spiking_layers():
            before, apart, after = name.partition(".members.")
            number, _, rest = after.partition(".")
            yield (f"{before}.{rest}".rstrip("."), layer, int(number)) if apart else (name, layer, None)

    @contextmanager
    def spikes_seen(self, see: Callable[[int, str, Tensor], None]) -> Iterator[None]:
        """Call `see(member, layer, spikes)` with what every member's neuron layers give while the context is open."""

        def hook(name: str, whose: int | None) -> Any:
            def tell(module: nn.Module, inputs: Any, spikes: Tensor) -> None:
                shares = enumerate(spikes.chunk(self.count, 2)) if whose is None else [(whose, spikes)]
                for member, share in shares:
                    see(member, name, share)

            return tell

        handles = [layer.register_forward_hook(hook(name, whose)) for name, layer, whose in self.spiking_layers()]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def state_of(self, member: int) -> dict[str, Tensor]:
        """The state of a member's own network, copied."""
        together = self.network.state_dict()
        return {name: self._share(name, together, member) for name in self._states}

    def optimizer_state_of(self, member: int, state: Mapping[str, Any]) -> dict[str, Any]:
        """What the state of an optimiser of all parameters would be for the member's alone.

        It belongs to whom the parameters belong, value by value; counts of steps are everybody's.
        """
        entries = {name: state["state"].get(number) for number, (name, _) in enumerate(self._learnt())}
        own: dict[int, dict[str, Any]] = {}
        for number, name in enumerate(self._names):
            where = self._places[member][name]
            if (entry := entries[where]) is not None:
                own[number] = {
                    key: self._cut(value, where, member) if _has_values(value) else copy.deepcopy(value)
                    for key, value in entry.items()
                }
        return {"state": own, "param_groups": _groups(state, len(self._names))}

    def joined_optimizer_state(self, states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """The state of an optimiser of all parameters from those of the members: undoes `optimizer_state_of`."""
        joined: dict[int, dict[str, Any]] = {}
        own = {name: number for number, name in enumerate(self._names)}
        for number, (where, _) in enumerate(self._learnt()):
            sources = {
                member: own[name]
                for member in range(self.count)
                for name in self._names
                if self._places[member][name] == where
            }
            entries = [states[member]["state"].get(source) for member, source in sources.items()]
            if entries[0] is not None:
                joined[number] = {
                    key: torch.cat([entry[key] for entry in entries], self._dims.get(where, 0))
                    if _has_values(value)
                    else value
                    for key, value in entries[0].items()
                }
        return {"state": joined, "param_groups": _groups(states[0], sum(1 for _ in self._learnt()))}

    def broken(self) -> list[int]:
        """Members with a weight that is not finite."""
        if torch.stack([each.isfinite().all() for each in self.network.parameters()]).all():
            return []
        together = dict(self._learnt())
        return [
            member
            for member in range(self.count)
            if not all(self._share(name, together, member).isfinite().all() for name in self._names)
        ]

    def _learnt(self) -> Iterator[tuple[str, nn.Parameter]]:
        return self.network.named_parameters()

    def _fold(self, name: str, module: nn.Module, members: Sequence[nn.Module]) -> None:
        """Fold what lies in `module`, which stays in its place; it is the first member's own copy."""
        if type(module) not in _SKELETON:
            raise Unstackable(f"{name or 'network'} is a {type(module).__name__}, which may mix channels")
        for child, layer in list(module.named_children()):
            path = f"{name}.{child}".lstrip(".")
            own = [member.get_submodule(child) for member in members]
            if path == "readout":
                continue  # each member's own reads its outputs
            if isinstance(layer, nn.Linear):
                setattr(module, child, GroupedLinear([each.weight for each in own]))  # type: ignore[misc]
                self._dims[f"{path}.weight"] = 0
            elif type(layer) in _CHANNELWISE:
                self._widen(path, layer, own)
            elif isinstance(layer, norms.Normalization) or (isinstance(layer, NormFire) and not _folds(layer)):
                setattr(module, child, Apart([copy.deepcopy(each) for each in own]))
            elif not isinstance(layer, neuron.Neuron):
                self._fold(path, layer, own)

    def _widen(self, path: str, layer: nn.Module, own: Sequence[nn.Module]) -> None:
        dim = _CHANNELWISE[type(layer)]
        tensors = [own_part.state_dict(keep_vars=True) for own_part in own]
        for name, first in tensors[0].items():
            together = torch.cat([each[name].detach() for each in tensors], dim)
            setattr(layer, name, nn.Parameter(together) if isinstance(first, nn.Parameter) else together)
            self._dims[f"{path}.{name}"] = dim
        for count in ("in_channels", "out_channels", "channels", "groups"):
            if hasattr(layer, count):
                setattr(layer, count, getattr(layer, count) * self.count)

    def _place(self, name: str, member: int) -> str:
        """The name, in the folded network, of the tensor that holds a member's tensor."""
        if name in self._dims:
            return name
        parts = name.split(".")
        for end in range(len(parts) - 1, 0, -1):
            place = ".".join(parts[:end])
            if isinstance(_found(self.network, place), Apart):
                return ".".join([place, "members", str(member), *parts[end:]])
        return name

    def _share(self, name: str, together: Mapping[str, Tensor], member: int) -> Tensor:
        where = self._places[member][name]
        return self._cut(together[where], where, member)

    def _cut(self, value: Tensor, where: str, member: int) -> Tensor:
        dim = self._dims.get(where)
        return (value if dim is None else value.chunk(self.count, dim)[member]).detach().clone()


def _folds(layer: NormFire) -> bool:
    """Whether normalisation and neuron treat channels alike, with nothing that a neuron would have to share."""
    known = type(layer.neuron) in _ELEMENTWISE and not list(layer.neuron.state_dict())
    return known and all(each is None or type(each) in _CHANNELWISE for each in (layer.norm, layer.membrane_norm))


def _found(network: nn.Module, path: str) -> nn.Module | None:
    try:
        return network.get_submodule(path)
    except AttributeError:
        return None


def _has_values(value: Any) -> bool:
    return isinstance(value, Tensor) and value.ndim > 0


def _groups(state: Mapping[str, Any], count: int) -> list[dict[str, Any]]:
    (group,) = state["param_groups"]
    return [{**group, "params": list(range(count))}]
