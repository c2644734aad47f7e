"""Reads of the protocol. Every person may read it."""

import time
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from studyportal.core.errors import Reason, Refused
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.rules import Protocol, parse
from studyportal.protocol.states import ProtocolVersionStatus

_parsed = lru_cache(maxsize=16)(parse)
_LOOK_AGAIN_SECONDS = 60


def packaged_text(name: str = "nct07243873-1.1") -> str:
    """Text of a protocol file that ships with the portal."""
    return (
        resources.files("studyportal.protocol")
        .joinpath("versions", f"{name}.toml")
        .read_text("utf-8")
    )


def in_force() -> ProtocolVersion | None:
    """The protocol version in force, or None before one was activated."""
    return ProtocolVersion.objects.filter(status=ProtocolVersionStatus.ACTIVE).first()


def active_version() -> ProtocolVersion:
    """The protocol version in force.

    Raises
    ------
    Refused
        When none has been loaded and activated yet.
    """
    version = in_force()
    if version is None:
        raise Refused(
            Reason("no_protocol", "No protocol is in force. Load one: manage.py load_protocol.")
        )
    return version


def content_of(version: ProtocolVersion) -> Protocol:
    """The protocol as data."""
    return _parsed(version.text)


def active_protocol() -> Protocol:
    """The content of the protocol version in force."""
    return content_of(active_version())


def bilingual_names() -> Mapping[str, str]:
    """Names and criteria of every loaded protocol version, English to Chinese; asked once a minute."""
    return _names_at(int(time.monotonic() // _LOOK_AGAIN_SECONDS))


@lru_cache(maxsize=1)
def _names_at(_minute: int) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for version in ProtocolVersion.objects.order_by("pk"):
        names |= content_of(version).names_in_chinese()
    return names
