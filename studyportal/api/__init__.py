"""The REST entrance: /api/v1/."""
