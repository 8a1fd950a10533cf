"""Compiles every kernel to machine code of GPUs and prints its name; needs no GPU.

For compute capability 8.0 and 9.0; activations in bfloat16 with all else in float32, and all in float64, as the tests
are; also with one channel, which Triton makes a constant of.
"""

from __future__ import annotations

from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from lightning_modules.kernels import triton_code

_SIZES = {"rows": "i32", "channels": "i32"}
_ACTIVATIONS = ("y", "added", "onto", "out", "grad")
_TILE = {"ROWS": 16, "COLS": 32}
_LIF = {
    "STEPS": 4, "AFFINE": True, "SHARED": False, "ADDED": False, "STATE": False, "RESET": 1, "ON_THRESHOLD": False,
    "GAINS": False, "RECTIFIES": False, "ADAPTS": False, **_TILE,
}  # fmt: skip
_ALL = _LIF | {"ADDED": True, "STATE": True, "GAINS": True, "RECTIFIES": True, "ADAPTS": True, "RESET": 2}
_BACK = {"LEARNS": False, "DETACHED": True, "SCALED": True, "SURROGATE": "triangle", "FIRST": 0.3, "SECOND": 1.0}
_BACK_ALL = _BACK | {"LEARNS": True, "DETACHED": False, "SURROGATE": "sigmoid"}
_STATES = tuple(f"{each}_{way}" for each in ("membrane", "adaptation") for way in ("in", "back", "out"))
_SUMS = ("leak_sum", "gain_sum", "rectified_sum")


def build(kernel: Any, constants: dict[str, Any], absent: tuple[str, ...] = ()) -> None:
    """Arguments that are absent are None."""
    fixed = {**constants, **dict.fromkeys(absent)}
    for capability, activations, others, one in (
        (80, "*bf16", "*fp32", {}),
        (90, "*bf16", "*fp32", {"channels": 1}),
        (90, "*fp64", "*fp64", {}),
    ):
        known = {name: value for name, value in (fixed | one).items() if name in kernel.arg_names}
        kinds = {
            name: "constexpr" if name in known else _SIZES.get(name, activations if name in _ACTIVATIONS else others)
            for name in kernel.arg_names
        }
        source = ASTSource(fn=kernel, signature=kinds, constexprs=known)
        options = {"num_warps": 4, "enable_fp_fusion": False}
        assert triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["cubin"]
    print(kernel.__name__)


if __name__ == "__main__":
    build(triton_code.moments, {**_TILE, "TILES": 8})
    build(triton_code.fire, _ALL | {"ONTO": True})
    build(triton_code.differentiate, _LIF | _BACK, (*_STATES, *_SUMS, "added"))
    build(triton_code.differentiate, _ALL | _BACK_ALL)
    build(triton_code.finish, _TILE)
