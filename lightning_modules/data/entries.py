"""The catalogue of data sets, in the order in which they are listed. Plain data, no torch."""

from __future__ import annotations

from lightning_modules.data import event_entries, image_entries

ALL = (*image_entries.ALL, *event_entries.ALL)
