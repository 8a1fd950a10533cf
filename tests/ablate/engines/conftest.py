"""One Ray for all tests: it takes seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ablate.engines.ray import RayEngine


@pytest.fixture(scope="session")
def ray_on_this_machine() -> Iterator[None]:
    """The first engine starts Ray, as a study does; those that come later find it and leave it."""
    owner = RayEngine("dummies:run", workers=2)
    yield
    owner.shutdown(cancel=True)
