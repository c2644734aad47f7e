"""What a weights file says it holds: names, number formats and shapes; no number is read, torch is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from synthesis.registry.release import WEIGHTS, ReleaseRefusedError

FORMATS = frozenset({"F64", "F32", "F16", "BF16", "I64", "I32", "U8", "BOOL"})
# How the files begin that torch.save writes: a zip, and the pickle of older versions.
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True, slots=True)
class TensorHead:
    """One tensor of a file, as its header describes it."""

    format: str  # in the words of safetensors: F32, BF16 ...
    shape: tuple[int, ...]


def read_heads(path: Path) -> dict[str, TensorHead]:
    """Return what the header of a safetensors file describes, by name.

    The library checks that the header is whole, that the tensors lie one after the other without
    gap or overlap, that each has the bytes its shape asks for, and that nothing follows.

    Raises
    ------
    ReleaseRefusedError
        When the file is no whole safetensors file, is a pickle by another name, or holds numbers of
        a format that no network here has.
    """
    with path.open("rb") as stream:
        beginning = stream.read(4)
    if beginning.startswith(PICKLES):
        raise ReleaseRefusedError(
            f"{WEIGHTS} is a pickled file by another name; it could run code and is not read."
        )
    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 # no mapping
            heads = {
                name: TensorHead(one.get_dtype(), tuple(one.get_shape()))
                for name, one in slices.items()
            }
    except (SafetensorError, OSError) as error:
        raise ReleaseRefusedError(f"{WEIGHTS} is no whole safetensors file: {error}.") from error
    if not heads:
        raise ReleaseRefusedError(f"{WEIGHTS} holds no tensor.")
    strange = sorted({head.format for head in heads.values()} - FORMATS)
    if strange:
        raise ReleaseRefusedError(f"{WEIGHTS} holds numbers of format {strange[0]}.")
    return heads
