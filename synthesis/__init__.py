"""Makes synthetic PET from CT: phantoms, models, training, inference, file-in file-out jobs.

Knows no web framework and no database.
"""
