"""Read-only selectors across rooms."""
