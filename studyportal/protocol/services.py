"""Loads and activates protocol versions."""

import hashlib

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.rules import ProtocolRefused, parse
from studyportal.protocol.states import PROTOCOL_VERSION, ProtocolVersionStatus


@transaction.atomic
def load_protocol(*, text: str, by: User | None) -> ProtocolVersion:
    """A draft version with this text exists; loading the same text again changes nothing."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    existing = ProtocolVersion.objects.filter(sha256=sha256).first()
    if existing is not None:
        return existing
    try:
        protocol = parse(text)
    except ProtocolRefused as refusal:
        raise Refused(*(Reason("protocol_file", fault) for fault in refusal.faults)) from refusal
    twin = ProtocolVersion.objects.filter(
        registry_number=protocol.registry_number, version=protocol.version
    )
    if twin.exists():
        raise Refused(
            Reason(
                "version_exists",
                f"Version {protocol.version} is loaded already with other content. Give it a new version number.",
            )
        )
    version = ProtocolVersion.objects.create(
        registry_number=protocol.registry_number,
        version=protocol.version,
        title=protocol.title,
        text=text,
        sha256=sha256,
        status=ProtocolVersionStatus.DRAFT,
        loaded_at=clock.now(),
    )
    begin(version, PROTOCOL_VERSION, by=by)
    record("load_protocol", version, f"Protocol {version} was loaded.", by=by)
    return version


@transaction.atomic
def activate_protocol(*, version: ProtocolVersion, by: User | None) -> ProtocolVersion:
    """This version is in force and the one before it is superseded."""
    if version.status == ProtocolVersionStatus.ACTIVE:
        return version
    former = ProtocolVersion.objects.select_for_update().filter(
        registry_number=version.registry_number, status=ProtocolVersionStatus.ACTIVE
    )
    for row in former:
        advance(
            row,
            PROTOCOL_VERSION,
            ProtocolVersionStatus.SUPERSEDED,
            by=by,
            reason=f"superseded by {version.version}",
        )
    advance(version, PROTOCOL_VERSION, ProtocolVersionStatus.ACTIVE, by=by)
    record("activate_protocol", version, f"Protocol {version} is in force.", by=by)
    return version
