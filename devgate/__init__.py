"""devgate: a local development gateway."""

__version__ = "0.1.0"
