#!/usr/bin/env python3
"""Writes the tables of docs/checks.md from the code; `--check` only says whether they are current.

python docs/render_checks.py [--check]
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from studyportal.imaging.rules import FINDING_TEXTS, REFUSAL_TEXTS, reason, refusal_sentences
from studyportal.imaging.rules.refusals import _SUV_WORDS, suv_reason_sentence

PAGE = Path(__file__).with_name("checks.md")
_BLANK = re.compile(r"\{[^}]*\}")
_MARKED = "<!-- rendered: {name} -->\n{body}<!-- end: {name} -->"
# How the two grades that ask for something are called on the pages of the portal.
_WORDS = {"exclude": "stands in the way", "warning": "look at this", "info": "note"}


def findings() -> Iterator[str]:
    yield "| id | grade | sentence |"
    yield "|---|---|---|"
    for name, text in FINDING_TEXTS.items():
        sentence = _BLANK.sub("…", text.sentence)
        yield _row(f'<span id="{text.anchor(name)}"></span>`{name}`', _WORDS[text.grade], sentence)


def refusals() -> Iterator[str]:
    yield "| id | sentence |"
    yield "|---|---|"
    for name in REFUSAL_TEXTS:
        (sentence,) = refusal_sentences([reason(name, "…")])
        yield _row(f"`{name}`", sentence)


def suv_reasons() -> Iterator[str]:
    yield "| id | what the sentence says |"
    yield "|---|---|"
    for name in _SUV_WORDS:
        yield _row(f"`{name}`", suv_reason_sentence(reason(name, "")))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def rendered(page: str) -> str:
    """The page with every marked table as the code has it now."""
    for name, lines in (("findings", findings), ("refusals", refusals), ("suv", suv_reasons)):
        body = "\n" + "".join(f"{line}\n" for line in lines()) + "\n"
        pattern = re.compile(rf"<!-- rendered: {name} -->.*<!-- end: {name} -->", re.DOTALL)
        if not pattern.search(page):
            raise SystemExit(f"{PAGE.name} has no place for the table “{name}”.")
        whole = _MARKED.format(name=name, body=body)
        page = pattern.sub(lambda _match, whole=whole: whole, page)
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 when out of date")
    now = PAGE.read_text("utf-8")
    wanted = rendered(now)
    if parser.parse_args().check:
        if now != wanted:
            print("docs/checks.md is out of date: run python docs/render_checks.py")
        return int(now != wanted)
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
