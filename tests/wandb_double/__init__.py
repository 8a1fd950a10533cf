"""A W&B server for tests: loopback HTTP, as much of the protocol as the real client speaks here, and a memory."""

from wandb_double.server import WandbDouble

__all__ = ["WandbDouble"]
