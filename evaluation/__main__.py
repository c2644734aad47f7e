"""`python -m evaluation suv | pair | study ...`: the evaluation without the portal."""

import sys

from evaluation.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
