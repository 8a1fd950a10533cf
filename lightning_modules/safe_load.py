"""Files written by torch, read as tensors and plain data: what comes from outside is never turned into an object."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch


def load_plain(path: str | Path) -> Any:
    """The content of a file that `torch.save` wrote, on the CPU.

    Raises:
        ValueError: one line for a file that is missing, damaged, or holds objects.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error})") from None
    except pickle.UnpicklingError:
        raise ValueError(f"{path}: damaged, or holds objects other than tensors, which are never loaded") from None
    except (RuntimeError, EOFError, BadZipFile, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{path}: damaged or not a checkpoint ({type(error).__name__})") from None
