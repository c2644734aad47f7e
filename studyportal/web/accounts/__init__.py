"""Signing in: who somebody is, how surely, and for how long."""
