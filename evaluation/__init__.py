"""Judges synthetic PET against reference PET: arrays and tables in, result objects out.

Knows no web framework, no database and no torch.
"""
