"""Participants: screening, consent, eligibility, disposition. Never a name."""
