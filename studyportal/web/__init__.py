"""The browser entrance."""
