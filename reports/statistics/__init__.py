"""Small pure functions on arrays: what a verdict rests on."""
