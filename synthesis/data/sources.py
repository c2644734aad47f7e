"""Where training pairs come from: simulated, or a folder (or zip) with one folder a participant."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

from synthesis.config import Modality
from synthesis.data.folder_source import ORGAN, FolderSource, unpack
from synthesis.data.pairs import Pair, foci_of
from synthesis.data.participant import PhantomParticipant, draw_participant
from synthesis.data.phantom import make_phantom
from synthesis.data.scanner import SCANNERS, ScannerProfile, scanner_of
from synthesis.data.source import Source, SourceRefusedError

FOCI = ("lesion", "node", "distant")
FIELD_OF_VIEW_MM = (288.0, 400.0, 400.0)


def open_source(
    spec: str,
    spacing_zyx_mm: tuple[float, float, float],
    scratch: Path,
    *,
    source: Modality = "ct",
) -> Source:
    """Return the source that `--data` names.

    Parameters
    ----------
    spec
        `phantom:PARTICIPANTS[:SEED]`, a folder, or a zip of such a folder.
    spacing_zyx_mm
        Of the model: phantoms are simulated at twice its sampling in the plane.
    scratch
        Where a zip is unpacked.
    source
        What the model translates.

    Raises
    ------
    SourceRefusedError
        When it is none of these, or holds no pair.
    """
    if spec.startswith("phantom:") and source == "mr":
        raise SourceRefusedError("Phantoms have no MR; a model of MR learns from a folder.")
    if spec.startswith("phantom:"):
        return _phantoms(spec, spacing_zyx_mm)
    path = Path(spec)
    if path.is_file() and zipfile.is_zipfile(path):
        return FolderSource(unpack(path, scratch), spec, source=source)
    if not path.is_dir():
        raise SourceRefusedError(
            f"{spec!r} is neither phantom:PARTICIPANTS[:SEED] nor a folder nor a zip file."
        )
    return FolderSource(path, spec, source=source)


def _phantoms(spec: str, spacing: tuple[float, float, float]) -> PhantomSource:
    numbers = spec.split(":")[1:]
    if not 1 <= len(numbers) <= 2 or not all(n.isdecimal() for n in numbers) or int(numbers[0]) < 3:
        raise SourceRefusedError(
            f"{spec!r} must be phantom:PARTICIPANTS[:SEED] with three participants or more."
        )
    return PhantomSource(int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 1, spacing)


class PhantomSource(Source):
    """Simulated participants, named by their seeds, from all simulated scanners in turn."""

    def __init__(self, count: int, seed: int, spacing: tuple[float, float, float]) -> None:
        self.spec = f"phantom:{count}:{seed}"
        sites = sorted(SCANNERS)
        first = seed * 1_000_000
        self.sites = {str(first + k): sites[k % len(sites)] for k in range(count)}
        z, y, x = (f / s for f, s in zip(FIELD_OF_VIEW_MM, spacing, strict=True))
        self._shape = (round(z), 2 * round(y), 2 * round(x))  # the PET has half of it in the plane

    def pair(self, participant: str) -> Pair:
        """Return the simulated images."""
        return self.painted(participant, draw_participant(int(participant)))

    def painted(self, participant: str, person: PhantomParticipant) -> Pair:
        """Return the images of a participant as if this were true of them, on their scanner."""
        scanner = self._scanner(participant)
        made = make_phantom(person, scanner)
        truth = {f"lesion:{lesion.unit_id}": lesion.malignant for lesion in person.lesions}
        truth |= {f"node:{node.station}": node.metastatic for node in person.nodes}
        truth |= {f"distant:{site.site}": site.metastatic for site in person.distant_sites}
        named = [(r.label, r.mask) for r in made.regions if r.label.split(":")[0] in FOCI]
        foci, names = foci_of(named, made.pet.array.shape)
        outlined = [(r.label, r.mask) for r in made.regions if r.label.startswith(ORGAN)]
        organs, organ_names = foci_of(outlined, made.pet.array.shape)
        return Pair(
            participant=participant,
            ct=made.ct,
            pet=made.pet,
            foci=foci,
            focus_names=names,
            organs=organs,
            organ_names=organ_names,
            malignant=tuple(truth[name] for name in names),
            kvp=float(scanner.tube_voltage_kvp),
            demographics=(
                person.height_cm / 100,
                person.weight_kg,
                float(person.sex == "M"),
                float(person.age_years),
            ),
        )

    def _scanner(self, participant: str) -> ScannerProfile:
        steps = [f / n for f, n in zip(FIELD_OF_VIEW_MM, self._shape, strict=True)]
        return replace(
            scanner_of(self.sites[participant]),
            shape=self._shape,
            spacing_zyx_mm=(steps[0], steps[1], steps[2]),
        )
