"""Pages in a headless Chromium. Without one, or without playwright, these tests are skipped with the reason."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))  # synthetic_studies, also when this folder is run alone

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
Open = Callable[..., Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser for the session."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if os.environ.get("ABLATE_REQUIRE_BROWSER") == "1":
            raise
        pytest.skip("playwright is not installed; it comes with: pip install 'ablate-snn[test]'")
    program = next(filter(None, map(shutil.which, PROGRAMS)))  # tests/conftest.py sees that there is one
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Open]:
    """Opens a file in a page of its own; whatever a page complains of, its policy's violations too, fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_file(path: Path, fragment: str = "", **options: Any) -> Any:
        asked: list[str] = []
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
        page.goto(path.as_uri() + fragment)
        assert asked == [path.as_uri()], "a page asks for nothing but itself"
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert complaints == []
