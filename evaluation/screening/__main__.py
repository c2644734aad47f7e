"""`python -m evaluation.screening REQUEST`: screens one pair within the limits of the request, and prints JSON.

A process of its own, so that a pair that needs too much memory or time ends here and nowhere else.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.imaging import HeaderEntries, Volume, read_series, with_entries
from evaluation.screening import screen_pair


def main(arguments: list[str]) -> int:
    """Screen the pair that the request (a JSON file) names; 0 when it could be screened."""
    request = json.loads(Path(arguments[0]).read_text("utf-8"))
    _limit(memory_bytes=request["memory_bytes"], cpu_seconds=request["cpu_seconds"])
    began = time.monotonic()
    ct = read_series([Path(name) for name in request["ct_files"]]).stored_volume()
    read = read_series([Path(name) for name in request["pet_files"]])
    pet = with_entries(read, HeaderEntries(**request["entries"])).suv_volume()
    del read
    screened = screen_pair(ct, pet, outlined=_outlined(pet, request["masks"]))
    peak_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = {
        "measured": {
            name: {"values": dict(one.values), "unchecked": one.unchecked}
            for name, one in screened.items()
        },
        "seconds": time.monotonic() - began,
        "peak_megabytes": peak_kilobytes / 1024,
    }
    sys.stdout.write(json.dumps(answer))
    return 0


def _limit(*, memory_bytes: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(10)


def _outlined(pet: Volume, masks: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Values of the PET under the outlined organs; `masks` names the archive and its entry per organ."""
    if not masks:
        return {}
    with np.load(masks["file"]) as archive:
        found = {organ: archive[name].astype(np.bool_) for organ, name in masks["organs"].items()}
    return {o: pet.array[m] for o, m in found.items() if m.shape == pet.array.shape}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
