"""Thin Celery tasks: a primary key in, at most ten lines, safe to run twice."""
