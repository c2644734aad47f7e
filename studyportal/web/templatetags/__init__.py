"""Template tags of the browser entrance."""
