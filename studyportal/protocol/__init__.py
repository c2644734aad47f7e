"""The registered protocol as data: versions, sites, criteria, imaging constraints, endpoints."""
