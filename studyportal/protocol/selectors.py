"""Reads of the protocol. Every person may read it."""

from functools import lru_cache
from importlib import resources

from studyportal.core.errors import Reason, Refused
from studyportal.protocol.models import ProtocolVersion
from studyportal.protocol.rules import Protocol, parse
from studyportal.protocol.states import ProtocolVersionStatus

_parsed = lru_cache(maxsize=16)(parse)


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
