"""Recordings of event cameras: found and read, binned into frames, cached. No torch."""
