"""Work that a worker or a person starts: file in, file out, no database."""
