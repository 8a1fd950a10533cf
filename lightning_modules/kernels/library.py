"""C code compiled for this machine when it is first needed, and kept in the user's cache. No torch."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FLAGS = ("-O3", "-march=native", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math")
_PARALLEL = ("-fopenmp", "-fopenmp-simd")
"""What compilers make threads and vectors of, and, where that is missing, vectors alone: without, gradients take three
times as long."""
_SECONDS = 120
_PROBE = "#include <math.h>\n#include <stdlib.h>\nint probe(void) { return 0; }\n"


class CompilationError(RuntimeError):
    """The compiler refused, in its own words."""


def compiler() -> str:
    """The command of the C compiler: `CC`, else `cc`."""
    return os.environ.get("CC") or "cc"


@cache
def problem() -> str | None:
    """Why nothing can be compiled here, in words; None if it can."""
    if not shutil.which(compiler().split()[0]):
        return f"no C compiler ({compiler()})"
    try:
        compiled(_PROBE, {})
    except (CompilationError, OSError, subprocess.SubprocessError) as error:
        return f"the C compiler ({compiler()}) does not work: {str(error).strip().splitlines()[0]}"
    return None


def source(*names: str) -> str:
    """The C files of this folder with these names, one behind the other."""
    return "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)


def compiled(source: str, macros: Mapping[str, str | int], *, contracts: bool = False) -> ctypes.CDLL:
    """The functions of a C source, with threads where the compiler has OpenMP.

    Args:
        source: C code, such as `source` reads.
        macros: name -> value, defined before it.
        contracts: whether a product and a sum may become one operation of one rounding. Without, one value has one
            rounding wherever in a vector it stands.

    Raises:
        CompilationError: if the compiler does not take it.
        OSError: if the cache cannot be written.
    """
    flags = [
        *_FLAGS,
        f"-ffp-contract={'fast' if contracts else 'off'}",
        *(f"-D{name}={value}" for name, value in sorted(macros.items())),
    ]
    known = "\n".join((source, *flags, compiler(), _processor()))
    path = _folder() / f"{hashlib.sha256(known.encode()).hexdigest()[:24]}.so"
    if not path.is_file():
        _compile(source, flags, path)
    return ctypes.CDLL(str(path))


def _compile(source: str, flags: list[str], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # In a folder of its own, then in one step: several workers may need the same code at once.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        code, made = Path(folder, "code.c"), Path(folder, "code.so")
        code.write_text(source, encoding="utf-8")
        for parallel in _PARALLEL:
            command = [*compiler().split(), *flags, parallel, str(code), "-o", str(made), "-lm"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            if done.returncode == 0:
                made.replace(path)
                return
    raise CompilationError(done.stderr or f"{compiler()} ended with {done.returncode}")


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ablate" / "kernels"


@cache
def _processor() -> str:
    """What this machine computes with: a home directory may be shared by machines of several kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())
