"""Blinded readers: sessions, allocation, reads, adjudication, and the visual Turing test."""
