"""How fast sentences are said in Chinese, and how fast Chinese words are found among kept texts.

DATABASE_URL=postgresql://… python -m benchmarks.language --texts 100000
"""

import argparse
import os
import re
import statistics
import time

import numpy as np
import psycopg

from evaluation.language import Sentences, placeholders, read_entries
from evaluation.language.patterns import filled
from studyportal.cli.wording import BOOKS

_WORDS = [
    "病灶",
    "位于",
    "右肺",
    "上叶",
    "下叶",
    "左肺",
    "层厚",
    "重建",
    "注射",
    "剂量",
    "体重",
    "核对",
    "记录",
    "上传",
    "图像",
    "序列",
    "淋巴结",
    "纵隔",
    "摄取",
    "增高",
    "请",
    "说明",
    "原因",
    "已",
    "更正",
    "扫描",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    asked = parser.parse_args()
    say_sentences()
    search_texts(asked.texts)


def say_sentences() -> None:
    """Print how many texts there are, and what one sentence costs the first time and again."""
    for book in BOOKS:
        print(f"{book.path}: {len(book.texts())} texts")
    start = time.perf_counter()
    entries = read_entries(book.file for book in BOOKS if not book.compiled)
    sentences = Sentences(entries)
    print(
        f"catalogues read in {1e3 * (time.perf_counter() - start):.0f} ms: {len(entries)} templates"
    )
    rng = np.random.default_rng(1)
    made = [_filled(template, rng) for template in entries if placeholders(template)]
    first = [_seconds(lambda text=text: sentences.translate(text)) for text in made]
    again = [_seconds(lambda text=text: sentences.translate(text)) for text in made]
    unknown = [f"病灶 {n}: Dr Li saw a hot node near the hilum, image {n}." for n in range(200)]
    other = [_seconds(lambda text=text: sentences.translate(text)) for text in unknown]
    for name, spent in (("first time", first), ("again", again), ("a person's words", other)):
        p95 = statistics.quantiles(spent, n=20)[18]
        print(f"{name}: median {1e3 * statistics.median(spent):.3f} ms, p95 {1e3 * p95:.3f} ms")


def search_texts(number: int) -> None:
    """Print what a search costs with and without the index of pairs of characters."""
    rng = np.random.default_rng(2)
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TEMP TABLE said (id bigserial, text text)")
        with connection.cursor().copy("COPY said (text) FROM STDIN") as copy:
            for _ in range(number):
                copy.write_row(["".join(rng.choice(_WORDS, 12))])
        wanted = ("右肺上叶", "纵隔淋巴结摄取增高", "左肺下叶请说明")
        print(f"{number} texts, no index: {_search(connection, wanted)}")
        start = time.perf_counter()
        connection.execute("CREATE INDEX ON said USING gin (core_bigrams(text))")
        connection.execute("ANALYZE said")
        print(f"index made in {time.perf_counter() - start:.1f} s")
        print(f"{number} texts, index of pairs: {_search(connection, wanted)}")
        connection.rollback()


def _search(connection: psycopg.Connection, wanted: tuple[str, ...]) -> str:
    parts = []
    for words in wanted:
        pairs = [words[place : place + 2] for place in range(len(words) - 1)]
        start = time.perf_counter()
        row = connection.execute(
            "SELECT count(*) FROM said WHERE core_bigrams(text) @> %s AND text ILIKE %s",
            (pairs, f"%{words}%"),
        ).fetchone()
        parts.append(
            f"{words} {row[0] if row else 0} in {1e3 * (time.perf_counter() - start):.1f} ms"
        )
    return "; ".join(parts)


def _filled(template: str, rng: np.random.Generator) -> str:
    values = {
        name: f"{rng.uniform(1, 99):.1f}" if shape else f"SPH-{rng.integers(99999):05d}"
        for name, shape in placeholders(template).items()
    }
    return re.sub(r"\s+", " ", filled(template, values)).strip()


def _seconds(act: object) -> float:
    start = time.perf_counter()
    act()  # type: ignore[operator]
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
