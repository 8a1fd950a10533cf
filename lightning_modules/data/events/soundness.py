"""Whether every recording can be read, found out before the first run instead of by each of them."""

from __future__ import annotations

from pathlib import Path

from lightning_modules.data.events import cache
from lightning_modules.data.events.progress import Progress
from lightning_modules.data.events.recordings import Recordings

_SOUND = "sound\n"


def check(recordings: Recordings) -> None:
    """Read every recording of a set once; that all were sound is remembered under the set's digest.

    Raises:
        ValueError: for the first that cannot be read, is empty, leaves the sensor or runs backwards in time.
        OSError: if the cache cannot take the mark.
    """
    what = f"{recordings.dataset}: checking {len(recordings):,} recordings"

    def read_all(mark: Path) -> None:
        progress = Progress(what, len(recordings))
        for index in range(len(recordings)):
            recordings.read(index)
            progress.step()
        mark.write_text(_SOUND)

    cache.build(cache.folder("sound") / recordings.digest(), read_all, ready=_is_mark, what=what)


def _is_mark(path: Path) -> bool:
    try:
        return path.read_text() == _SOUND
    except (OSError, UnicodeDecodeError):
        return False
