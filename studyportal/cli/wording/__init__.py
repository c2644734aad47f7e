"""Finds every text that people read and keeps the catalogues of its translations."""

from studyportal.cli.wording.books import BOOKS, Book, Fault, compile_book, faults_of, refresh

__all__ = ["BOOKS", "Book", "Fault", "compile_book", "faults_of", "refresh"]
