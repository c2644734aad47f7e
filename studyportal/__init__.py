"""The trial: who, where, when, may they, and what happened."""

__version__ = "0.1.0"
