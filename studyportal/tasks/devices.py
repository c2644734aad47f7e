"""Which devices this machine gives to synthesis, found without torch."""

import os
import re
import socket
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

_CUDA = re.compile(r"cuda:(\d+)")
_ASK = ("nvidia-smi", "--query-gpu=index,uuid,name", "--format=csv,noheader")
_ASK_SECONDS = 20


class DeviceRefused(RuntimeError):
    """A device was demanded that this machine does not have; the sentence says which."""


@dataclass(frozen=True)
class Device:
    """One device: `key` is the same for every worker that shares it, `label` is what people read."""

    kind: Literal["cpu", "cuda"]
    key: str
    label: str
    uuid: str = ""

    def environment(self) -> dict[str, str]:
        """What the process on this device may see: its own GPU, or none."""
        return {"CUDA_VISIBLE_DEVICES": self.uuid}


def devices_of_machine(wanted: str) -> tuple[Device, ...]:
    """Return the devices of `auto`, `cpu`, or a list such as `cuda:0,cuda:1`.

    `auto` takes every GPU of the machine, and its CPU where there is none. A GPU that is named and missing
    is refused: work that was meant for a GPU never runs on a CPU unnoticed.

    Raises
    ------
    DeviceRefused
        For a word that names no device, and for a GPU that is not there.
    """
    words = [word.strip() for word in wanted.split(",") if word.strip()] or ["auto"]
    if words == ["auto"]:
        return tuple(_visible(gpus()).values()) or (_cpu(),)
    return tuple(dict.fromkeys(_named(word) for word in words))


@lru_cache(maxsize=1)
def gpus() -> dict[int, Device]:
    """Return the GPUs that the driver of this machine lists, by their number."""
    try:
        listed = subprocess.run(
            _ASK, capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    return dict(_gpu(line) for line in listed.stdout.splitlines() if line.count(",") == 2)


def _gpu(line: str) -> tuple[int, Device]:
    number, uuid, name = (part.strip() for part in line.split(","))
    label = f"{socket.gethostname()} · {name} (cuda:{number})"
    return int(number), Device("cuda", uuid, label, uuid)


def _visible(found: dict[int, Device]) -> dict[int, Device]:
    """Those GPUs that CUDA_VISIBLE_DEVICES leaves; all where it is not set."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return found
    words = [word.strip() for word in chosen.split(",") if word.strip()]
    return {
        number: gpu
        for number, gpu in found.items()
        if any(word == str(number) or gpu.uuid.startswith(word) for word in words)
    }


def _named(word: str) -> Device:
    if word == "cpu":
        return _cpu()
    match = _CUDA.fullmatch(word)
    if match is None:
        raise DeviceRefused(
            f"STUDYPORTAL_DEVICES names {word!r}; write auto, cpu, or cuda:0,cuda:1."
        )
    gpu = gpus().get(int(match[1]))
    if gpu is None:
        raise DeviceRefused(
            f"The device {word} was demanded and {socket.gethostname()} has no such GPU; "
            "nothing is computed on the CPU instead."
        )
    return gpu


def _cpu() -> Device:
    host = socket.gethostname()
    return Device("cpu", f"{host}:cpu", f"{host} · cpu")
