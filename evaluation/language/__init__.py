"""Says the sentences of rules and analyses in another language, by their templates."""

from evaluation.language.catalogue import CATALOGUE, chinese, read_entries
from evaluation.language.patterns import Pattern, placeholders
from evaluation.language.sentences import Sentences

__all__ = ["CATALOGUE", "Pattern", "Sentences", "chinese", "placeholders", "read_entries"]
