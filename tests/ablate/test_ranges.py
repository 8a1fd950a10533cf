"""Ranges: what they hold, what a sampled number becomes, and the line for a wrong one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate import ranges
from ablate.errors import RequestError


@given(st.integers(-50, 50), st.integers(1, 100), st.floats(0, 1))
def test_a_whole_range_settles_on_whole_numbers_inside(low: int, size: int, share: float) -> None:
    found = ranges.read({"low": low, "high": low + size}, "axes.x")

    value = found.settle(low + share * size)
    assert isinstance(value, int)
    assert value in found


@given(st.floats(1e-6, 10), st.floats(1.001, 1000), st.floats(0, 1))
def test_a_settled_number_is_in_the_range_and_short(low: float, factor: float, share: float) -> None:
    found = ranges.read({"low": low, "high": low * factor, "type": "float"}, "axes.x")

    value = found.settle(low + share * (low * factor - low))
    assert value in found
    assert value in (found.low, found.high) or value == float(f"{value:.4g}")


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ({"low": 2}, "axes.t.high: is needed and missing"),
        ({"low": 2, "hig": 3}, "axes.t.hig: there is no such key; did you mean 'high'?"),
        ({"low": 4, "high": 2}, "axes.t.high: 2 is not above low, 4"),
        ({"low": 0, "high": 2, "log": True}, "axes.t.low: 0 has no logarithm"),
        ({"low": 0.5, "high": 2, "type": "int"}, "axes.t.type: int needs whole numbers"),
        ({"low": 2, "high": 16, "step": 3}, "axes.t.step: 3 does not lead from 2 to 16 in whole steps"),
        ({"low": 1, "high": 16, "step": 3, "log": True}, "axes.t.step: 3 cannot be taken on a logarithmic scale"),
        ({"low": 2, "high": 16, "step": 0}, "axes.t.step: 0 is too small"),
        ({"low": "a", "high": 16}, "axes.t.low: 'a' is not a number"),
        ({"low": 2, "high": 16, "type": "integer"}, "axes.t.type: 'integer' is not accepted"),
    ],
)
def test_a_wrong_range_gets_one_line(value: dict[str, Any], line: str) -> None:
    with pytest.raises(RequestError) as refusal:
        ranges.read(value, "axes.t")

    assert str(refusal.value).startswith(line)
