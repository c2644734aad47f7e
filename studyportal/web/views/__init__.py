"""Pages, split by room. Each parses, asks permission, calls one service, dispatches after commit, answers."""
