"""Finds words inside free text, Chinese or English, by an index of pairs of characters."""

from typing import TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Model, QuerySet, TextField

Row = TypeVar("Row", bound=Model)


class Bigrams(Func):
    """The pairs of neighbouring characters of a text, as an index can hold them."""

    function = "core_bigrams"
    output_field = ArrayField(TextField())


def bigrams_of(words: str) -> list[str]:
    """Return the pairs that a text must hold to contain these words.

    Examples
    --------
    >>> bigrams_of("右肺上叶")
    ['右肺', '肺上', '上叶']
    """
    small = words.lower()
    return list(dict.fromkeys(small[place : place + 2] for place in range(len(small) - 1)))


def holding(rows: QuerySet[Row], field: str, words: str) -> QuerySet[Row]:
    """Rows whose text holds every one of the words, in any order; large and small letters are alike."""
    for word in words.replace("\x00", "").split():
        holds = {"pairs_of_text__contains": bigrams_of(word), f"{field}__icontains": word}
        rows = cast("QuerySet[Row]", rows.alias(pairs_of_text=Bigrams(F(field))).filter(**holds))
    return rows
