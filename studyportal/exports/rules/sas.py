"""A SAS program that reads the transport files and puts the words of the codes to their numbers.

SAS XPORT holds no value labels (SAS TS-140), so they come beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from studyportal.clinical.rules import Kind
from studyportal.exports.rules.coding import numbers_of
from studyportal.exports.rules.datasets import Dataset


def sas_program(datasets: Iterable[Dataset], *, language: str, short: bool) -> str:
    """PROC FORMAT for every list of codes, and a step for each file that uses them."""
    held = list(datasets)
    head = ["/* Run in a session with UTF-8 encoding. Set the folder that holds the .xpt files. */"]
    head += ["%let folder = .;", "", "proc format;", *_values(held, language), "run;"]
    steps = [line for one in held for line in _step(one, short=short)]
    return "\n".join([*head, *steps, ""])


def _values(datasets: Iterable[Dataset], language: str) -> Iterator[str]:
    for dataset in datasets:
        for number, one in enumerate(dataset.variables, start=1):
            if one.kind is Kind.CHOICE:
                yield f"  value {_format(dataset, number)}"
                for code in one.codes:
                    words = code.label.said(language).replace('"', '""')
                    yield f'    {numbers_of(one.codes)[code.value]} = "{words}"'
                yield "  ;"


def _format(dataset: Dataset, number: int) -> str:
    """A name that does not end in a digit, as SAS wants it."""
    return f"{dataset.short.lower()}{number}f"


def _step(dataset: Dataset, *, short: bool) -> Iterator[str]:
    names = dataset.short_names()
    file, member = (dataset.short.lower(), dataset.short) if short else (dataset.key, dataset.key)
    yield ""
    if short:
        yield f'libname source xport "&folder/{file}.xpt";'
        yield f"data {member.lower()}; set source.{member.lower()};"
    else:
        yield f'%xpt2loc(libref=work, memlist={member}, filespec="&folder/{file}.xpt");'
        yield f"data {member}; set {member};"
    for number, one in enumerate(dataset.variables, start=1):
        if one.kind is Kind.CHOICE:
            yield f"  format {names[one.name] if short else one.name} {_format(dataset, number)}.;"
    yield "run;"
