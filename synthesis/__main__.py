"""Entry point: `python -m synthesis phantom|train|distill|study|check|bundle|translate|serve ...`."""

import sys
from importlib import import_module

# Loaded by name, so that making phantoms does not wait for torch.
COMMANDS = {
    "phantom": "synthesis.jobs.make_phantoms",
    "train": "synthesis.jobs.train_release",
    "check": "synthesis.jobs.check_release",
    "bundle": "synthesis.jobs.bundle_release",
    "distill": "synthesis.jobs.distil_release",
    "study": "synthesis.jobs.run_study",
    "translate": "synthesis.jobs.translate_folder",
    "serve": "synthesis.jobs.serve_requests",
}


def main(arguments: list[str]) -> int:
    """Run one command and return its exit status."""
    if not arguments or arguments[0] not in COMMANDS:
        wanted = "|".join(COMMANDS)
        print(f"usage: python -m synthesis {wanted} [options]", file=sys.stderr)
        return 2
    return int(import_module(COMMANDS[arguments[0]]).main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
