"""Keeps the memory of activations: freshly mapped pages cost more than the arithmetic on them."""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """Let the C library keep freed blocks instead of giving them back; what it was told by MALLOC_* stays.

    Returns:
        Whether it listened; only glibc does.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    heeded = [mallopt(_MMAP_THRESHOLD, _MOST), mallopt(_TRIM_THRESHOLD, _MOST), mallopt(_TOP_PAD, 64 << 20)]
    return all(heeded)
