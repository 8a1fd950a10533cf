"""Compiles every kernel to machine code of a GPU (compute capability 8.0) and prints its name; needs no GPU."""

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
_BACK_ALL = _BACK | {"LEARNS": True, "DETACHED": False, "SURROGATE": "atan"}
_STATES = tuple(f"{each}_{way}" for each in ("membrane", "adaptation") for way in ("in", "back", "out"))
_SUMS = ("leak_sum", "gain_sum", "rectified_sum")


def build(kernel: Any, constants: dict[str, Any], absent: tuple[str, ...] = ()) -> None:
    """Activations are bfloat16, all else float32; arguments that are absent are None."""
    fixed = {**constants, **dict.fromkeys(absent)}
    fixed = {name: value for name, value in fixed.items() if name in kernel.arg_names}
    kinds = {
        name: "constexpr" if name in fixed else _SIZES.get(name, "*bf16" if name in _ACTIVATIONS else "*fp32")
        for name in kernel.arg_names
    }
    source = ASTSource(fn=kernel, signature=kinds, constexprs=fixed)
    options = {"num_warps": 4, "enable_fp_fusion": True}
    assert triton.compile(source, target=GPUTarget("cuda", 80, 32), options=options).asm["cubin"]
    print(kernel.__name__)


if __name__ == "__main__":
    build(triton_code.moments, {**_TILE, "TILES": 8})
    build(triton_code.fire, _ALL | {"ONTO": True})
    build(triton_code.differentiate, _LIF | _BACK, (*_STATES, *_SUMS, "added"))
    build(triton_code.differentiate, _ALL | _BACK_ALL)
    build(triton_code.finish, _TILE)
