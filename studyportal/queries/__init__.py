"""Data queries: what the study asks a site to mend or explain, raised by rules and by people."""
