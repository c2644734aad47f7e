"""Participants with their sites and the pair of each, wherever they come from."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod

from synthesis.data.pairs import Pair


class SourceRefusedError(ValueError):
    """The data are not where or what they should be; the sentence says what is wrong."""


class Source(ABC):
    """Participants with their sites, and the pair of each."""

    spec: str
    sites: dict[str, str]  # by participant

    @abstractmethod
    def pair(self, participant: str) -> Pair:
        """Return the images of a participant."""

    @property
    def digest(self) -> str:
        """SHA-256 over who is in the source, and from where."""
        text = "".join(f"{name}\t{site}\n" for name, site in sorted(self.sites.items()))
        return hashlib.sha256(text.encode()).hexdigest()
