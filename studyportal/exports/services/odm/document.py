"""The whole document: study, definitions, people and places as codes, and the data, participant by participant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from studyportal import __version__
from studyportal.clinical.rules import MEANINGS, ODM_VERSIONS, metadata_oid, study_oid
from studyportal.clinical.selectors import people_of
from studyportal.exports.services.odm.data import write_participants
from studyportal.exports.services.odm.metadata import write_metadata, write_units
from studyportal.exports.services.odm.xml import OdmWriter, namespace
from studyportal.exports.services.writers import Written

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from studyportal.participants.models import Participant
    from studyportal.protocol.rules import Protocol
    from studyportal.sites.models import Site

FILE = "odm.xml"


@dataclass(frozen=True)
class Cut:
    """What a document speaks of: which participants, which forms, and as of when."""

    key: str
    protocol: Protocol
    sites: Sequence[Site]
    participants: QuerySet[Participant]
    statuses: Sequence[str]
    at: datetime
    whole: bool
    left_out: dict[str, int]


def write_odm(folder: Path, cut: Cut) -> Iterator[Written]:
    """The document lies in the folder; every participant was written and forgotten."""
    with (folder / FILE).open("wb") as stream:
        xml = OdmWriter(stream)
        moment = cut.at.isoformat(timespec="seconds")
        with xml.element(
            "ODM",
            **namespace(),
            FileType="Snapshot",
            Granularity="All" if cut.whole else "SingleSite",
            FileOID=cut.key,
            CreationDateTime=moment,
            AsOfDateTime=moment,
            ODMVersion=ODM_VERSIONS[-1],
            SourceSystem="StudyPortal",
            SourceSystemVersion=__version__,
        ):
            _study(xml, cut)
            _admin(xml, cut)
            with xml.element("ClinicalData", **_study_ref(cut)):
                counts = write_participants(xml, cut.participants, cut.statuses)
        xml.close()
    for table, (rows, columns) in counts.items():
        yield Written(table, FILE, rows, columns)


def _study_ref(cut: Cut) -> dict[str, str]:
    return {
        "StudyOID": study_oid(cut.protocol.registry_number),
        "MetaDataVersionOID": metadata_oid(),
    }


def _study(xml: OdmWriter, cut: Cut) -> None:
    with xml.element("Study", OID=study_oid(cut.protocol.registry_number)):
        with xml.element("GlobalVariables"):
            xml.text("StudyName", cut.protocol.registry_number)
            xml.text("StudyDescription", cut.protocol.title)
            xml.text("ProtocolName", cut.protocol.registry_number)
        with xml.element("BasicDefinitions"):
            write_units(xml)
        write_metadata(xml)


def _admin(xml: OdmWriter, cut: Cut) -> None:
    """People stand as codes without names: who changed and who signed can be told apart, and asked for here."""
    with xml.element("AdminData", StudyOID=study_oid(cut.protocol.registry_number)):
        for key in people_of(participants=cut.participants):
            xml.empty("User", OID=f"USR.{key}", UserType="Other")
        for site in cut.sites:
            with xml.element(
                "Location", OID=f"LOC.{site.code}", Name=site.name, LocationType="Site"
            ):
                xml.empty(
                    "MetaDataVersionRef",
                    **_study_ref(cut),
                    EffectiveDate=cut.protocol.start_date.isoformat(),
                )
        for meaning, label in MEANINGS.items():
            with xml.element(
                "SignatureDef", OID=f"SD.{meaning.value.upper()}", Methodology="Electronic"
            ):
                xml.text("Meaning", meaning.value)
                xml.text("LegalReason", label.en)
