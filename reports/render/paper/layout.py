"""Where everything in a drawing lies."""

from __future__ import annotations

from matplotlib.figure import Figure as Drawing


def lay_out(drawing: Drawing) -> None:
    """Give everything its place, once: every format has the same picture, and none draws it twice to lay it out anew.

    An engine that is only switched off (`set_layout_engine("none")`) still makes matplotlib draw before it prints.
    """
    engine = drawing.get_layout_engine()
    assert engine is not None
    engine.execute(drawing)
    drawing.set_layout_engine(None)
