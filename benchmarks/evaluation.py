"""Evaluation, ours and peers in one run: `python -m benchmarks.evaluation [PART ...]`.

Parts: images (SSIM, FSIM, a whole pair), diagnostic (areas, bootstraps), study (10,000 participants). Each is
a process of its own, so that none inherits the memory or the threads of another, and can be run
alone with options: `python -m benchmarks.evaluation_images --help`.
"""

import argparse
import subprocess
import sys

PARTS = ("images", "diagnostic", "study")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or PARTS
    for part in chosen:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}: choose of {', '.join(PARTS)}")
        print(f"== {part}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.evaluation_{part}"], check=False)


if __name__ == "__main__":
    main()
