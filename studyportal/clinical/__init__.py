"""Clinical facts: lesions and the reference standard per target condition."""
