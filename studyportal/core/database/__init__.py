"""PostgreSQL with the second wall: each statement says whose sites it is for, and the database holds it to that."""
