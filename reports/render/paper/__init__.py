"""Cards' figures as files for a paper: PNG, SVG and PDF, drawn by matplotlib, which is loaded when one is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reports.analyses.card import Card

FORMATS = ("svg", "pdf", "png")


def has_figure(card: Card) -> bool:
    """Whether a card comes with figure files."""
    return card.status == "ok" and card.figure is not None


def files(cards: Iterable[Card]) -> Iterator[tuple[str, bytes]]:
    """Name and content of every figure file; the same cards give the same bytes with the same matplotlib."""
    drawn = [card for card in cards if has_figure(card)]
    if not drawn:
        return
    from reports.render.paper.drawing import printed  # half a second that a guide without figures need not wait

    for card in drawn:
        assert card.figure is not None
        for form, content in zip(FORMATS, printed(card.figure, FORMATS), strict=True):
            yield f"{card.key}.{form}", content
