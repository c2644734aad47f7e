"""The command line of the evaluation: `suv`, `pair`, `study`, none of which needs the portal."""

import argparse

from evaluation.commands import pair, study, suv

_COMMANDS = (suv, pair, study)
_DESCRIPTION = "Judge synthetic PET against reference PET, from files alone."
_EPILOG = """\
A refusal is a sentence on the error stream, and exit status 2. Nothing is guessed: what the files do
not state has to be given as an option. `python -m evaluation COMMAND --help` explains each command.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status; a refusal is a sentence and status 2."""
    options = _parser().parse_args(arguments)
    return int(options.execute(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    for command in _COMMANDS:
        command.add_to(commands)
    return parser
