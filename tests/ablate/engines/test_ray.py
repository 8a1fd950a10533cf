"""What the Ray engine says of a cluster that is not there."""

from __future__ import annotations

import socket

import pytest
import ray

from ablate.engines.ray import RayEngine
from ablate.errors import StudyError


@pytest.mark.timeout(60)
@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_an_address_where_nobody_listens_is_refused_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # whatever tests before this one have started
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(StudyError, match=rf"^engine\.address: no Ray cluster at '{address}' \(ConnectionRefusedError"):
        RayEngine("dummies:run", address=address)
