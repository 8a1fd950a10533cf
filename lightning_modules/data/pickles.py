"""Pickles of numpy arrays, lists and texts, and of nothing else: a pickle can name any function and call it."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

# The function behind numpy's pickles, under the names it had in numpy 1 and has in numpy 2.
_RECONSTRUCT = np.zeros(0).__reduce__()[0]
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class _Restricted(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no data file needs")
        return _ALLOWED[module, name]


def loads(content: bytes) -> Any:
    """What a pickle of Python 2 or 3 holds; texts of Python 2 come as bytes.

    Raises:
        ValueError: if it is broken, or names a class or function other than numpy's arrays.
    """
    try:
        return _Restricted(io.BytesIO(content), encoding="bytes").load()
    except Exception as error:  # a broken pickle raises whatever its garbage happens to do
        raise ValueError(f"is refused as a pickle: {str(error) or type(error).__name__}") from error
