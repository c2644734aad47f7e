"""A made-up study as large as the registered one, so that pages and the trail are measured at full size."""
