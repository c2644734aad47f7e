"""Model releases, synthesis jobs and the synthetic series they make."""
