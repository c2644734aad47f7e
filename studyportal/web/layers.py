"""What the viewer of a pair shows: its layers with the addresses of their volumes, ready for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studyportal.imaging.selectors import (
    accepted_series,
    derived_volume,
    difference_origin,
    latest_outlines,
    uptake_origin,
)
from studyportal.imaging.states import SeriesRole, VolumeKind
from studyportal.syntheses.selectors import current_primary, role_of, shown_synthetics
from studyportal.web.words import ANALYSIS_WORDS, STATUS_WORDS

if TYPE_CHECKING:
    from studyportal.imaging.models import DerivedVolume, ImagingSeries, ScanPair
    from studyportal.syntheses.models import SyntheticSeries

Json = dict[str, Any]
# The pictures of the viewer in their order: name, short title, title.
PANELS = (
    ("ct", "CT", "CT"),
    ("pet", "PET", gettext_lazy("Reference PET")),
    ("fusion", gettext_lazy("Fusion"), gettext_lazy("Fusion")),
    ("synthetic", gettext_lazy("Synthetic"), gettext_lazy("Synthetic PET")),
    ("difference", gettext_lazy("Difference"), gettext_lazy("Synthetic minus reference")),
    ("mip", "MIP", gettext_lazy("Projections (MIP)")),
)


@dataclass
class Layers:
    """The layers of one pair; `pending` while a volume was not made yet, `digests` of all files it may load."""

    pair: ScanPair
    pending: bool = False
    digests: set[str] = field(default_factory=set)
    layers: list[Json] = field(default_factory=list)
    outlines: Json | None = None

    def as_json(self) -> Json:
        return {"pending": self.pending, "layers": self.layers, "outlines": self.outlines}

    def volume(self, kind: VolumeKind, origin: str) -> Json | None:
        """One volume with its address, None while it is being made."""
        row = derived_volume(kind, origin)
        if row is None:
            self.pending = True
            return None
        facts = {**row.facts, "reason": row.reason, "bytes": row.size_bytes}
        return {**facts, **self._addresses(row)}

    def _addresses(self, row: DerivedVolume) -> Json:
        found = {"url": row.sha256, "depth_url": str(row.facts.get("depth_sha256", ""))}
        self.digests |= {digest for digest in found.values() if digest}
        return {
            name: reverse("web:viewer_volume", args=[self.pair.pk, digest]) if digest else ""
            for name, digest in found.items()
        }


def layers_of(pair: ScanPair) -> Layers:
    """Every layer of the pair that the viewer knows to show."""
    found = Layers(pair)
    source = accepted_series(pair, SeriesRole.SOURCE)
    reference = accepted_series(pair, SeriesRole.REFERENCE)
    if source is not None:
        _add_ct(found, source)
    if reference is not None:
        pet = _pet(found, uptake_origin(reference))
        found.layers.append({"key": "pet", "title": _("Reference PET"), "synthetic": False, **pet})
        _add_outlines(found)
    for synthetic in shown_synthetics(pair):
        _add_synthetic(found, synthetic, reference)
    return found


def _add_ct(found: Layers, source: ImagingSeries) -> None:
    found.layers.append(
        {
            "key": "ct",
            "title": "CT",
            "synthetic": False,
            "quick": found.volume(VolumeKind.CT_QUICK, source.manifest_sha256),
            "volume": found.volume(VolumeKind.CT, source.manifest_sha256),
        }
    )


def _pet(found: Layers, manifest_sha256: str) -> Json:
    return {
        "volume": found.volume(VolumeKind.PET, manifest_sha256),
        "projections": found.volume(VolumeKind.PROJECTIONS, manifest_sha256),
    }


def _add_synthetic(
    found: Layers, synthetic: SyntheticSeries, reference: ImagingSeries | None
) -> None:
    manifest = synthetic.manifest_sha256
    difference = (
        found.volume(VolumeKind.DIFFERENCE, difference_origin(uptake_origin(reference), manifest))
        if reference is not None
        else None
    )
    words = STATUS_WORDS["synthetic"][synthetic.status].text
    role = ANALYSIS_WORDS[role_of(synthetic.job, current_primary())]
    found.layers.append(
        {
            "key": f"synthetic-{synthetic.pk}",
            "title": _("Synthetic PET"),
            "note": f"{synthetic.job.release} · {_('seed')} {synthetic.job.seed} · {words} · {role}",
            "synthetic": True,
            "difference": difference,
            **_pet(found, manifest),
        }
    )


def _add_outlines(found: Layers) -> None:
    outlines = latest_outlines(found.pair)
    if outlines is None:
        found.outlines = {"id": "", "volume": None, "regions": []}
        return
    found.outlines = {
        "id": str(outlines.pk),
        "volume": found.volume(VolumeKind.LABELS, outlines.masks_sha256),
        "regions": outlines.regions,
    }
