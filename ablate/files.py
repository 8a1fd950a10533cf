"""Files that are either the old version or the new one, never a half of it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_atomically(path: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Write beside `path`, then rename: a reader or a crash never meets a half-written file.

    Args:
        path: the file to create or replace; its folder exists.
        content: text is written as UTF-8 with its newlines as they are.
        durable: wait until the disk has it; not needed for what the next second replaces.

    Raises:
        OSError: if it cannot be written, naming `path`, which is then as it was.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        # A full disk's error names no file, and that of a rename the temporary one.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        beside.unlink(missing_ok=True)
