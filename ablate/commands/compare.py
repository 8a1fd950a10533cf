"""`ablate compare`: two studies of the same cells, before and after a change."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from ablate.commands.explain import read
from ablate.errors import RequestError
from reports.comparison import comparison
from reports.render import text


def main(first: str, second: str) -> int:
    """Print what differs between two studies' reports, cell by cell."""
    try:
        card = comparison(read(first, None), read(second, None), (first, second))
    except ValueError as error:
        raise RequestError(f"{first}, {second}: {error}") from None
    Console(highlight=False).print(Text(text.render([card]).rstrip()), soft_wrap=True)
    return 0
