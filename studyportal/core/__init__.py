"""Ground floor: audit, state machines, errors, storage, clock."""
