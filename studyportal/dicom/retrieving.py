"""WADO-RS: stored series as files, as metadata, as frames and as pictures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from evaluation.imaging.instance import synthetic_marks
from studyportal.dicom.catalogue import StoredInstance, StoredSeries, series_of
from studyportal.dicom.encoding import (
    EXPLICIT_LE,
    as_explicit,
    as_stored_frame,
    frame_bytes,
    stored_syntax,
)
from studyportal.dicom.endpoints import DICOM_JSON, DicomEndpoint, NotAcceptable
from studyportal.dicom.media import (
    ANY,
    Piece,
    accepted,
    multipart,
    no_pixels,
    require_json,
    root_of,
    wanted_type,
)
from studyportal.dicom.multipart import MediaType
from studyportal.dicom.rendering import PICTURES, Wish, picture_of
from studyportal.dicom.searching import instance_address
from studyportal.sites.selectors import Person

_DICOM, _OCTETS = "application/dicom", "application/octet-stream"
_THUMBNAIL = (128, 128)
Found = list[tuple[StoredSeries, StoredInstance]]


class RetrieveEndpoint(DicomEndpoint):
    """Files of a study, a series or one instance."""

    def retrieve(
        self, request: Request, *, study: str, series: str = "", instance: str = ""
    ) -> HttpResponseBase:
        """As stored when the client takes any transfer syntax, else in explicit VR little endian."""
        found = _found(self.person, study, series, instance)
        for entry in accepted(request):
            if wanted_type(entry) not in (_DICOM, "application/*", ANY):
                continue
            syntax = entry.parameters.get("transfer-syntax", "" if entry.name != ANY else "*")
            if syntax not in ("", "*", EXPLICIT_LE):
                continue
            files = _files(found, explicit=syntax != "*")
            if entry.name == _DICOM:
                if len(found) != 1:
                    continue  # one part holds one instance
                return HttpResponse(next(files).content, content_type=_DICOM)
            return multipart(files, kind=_DICOM)
        raise NotAcceptable


class MetadataEndpoint(DicomEndpoint):
    """Headers of a study, a series or one instance, as DICOM JSON; pixels are named by their address."""

    def retrieve(
        self, request: Request, *, study: str, series: str = "", instance: str = ""
    ) -> HttpResponseBase:
        require_json(accepted(request))
        found = _found(self.person, study, series, instance)
        return StreamingHttpResponse(_metadata(found, root_of(request)), content_type=DICOM_JSON)


class FramesEndpoint(DicomEndpoint):
    """Frames of one instance, uncompressed or as stored. Stored images have one frame each."""

    def retrieve(
        self, request: Request, *, study: str, series: str, instance: str, frames: str
    ) -> HttpResponseBase:
        ((_series, stored),) = _pictures(_found(self.person, study, series, instance))
        numbers = _numbers(frames)
        image = stored.image()
        syntax, compressed = stored_syntax(image), as_stored_frame(image)
        for entry in accepted(request):
            kind, asked = wanted_type(entry), entry.parameters.get("transfer-syntax", "*")
            if kind in (_OCTETS, ANY, "application/*") and asked in ("*", EXPLICIT_LE):
                said = f"{_OCTETS}; transfer-syntax={EXPLICIT_LE}"
                return multipart([Piece(said, frame_bytes(image)) for _ in numbers], kind=_OCTETS)
            if compressed is not None and kind == compressed.media_type and asked in ("*", syntax):
                said = f"{kind}; transfer-syntax={syntax}"
                return multipart([Piece(said, compressed.content) for _ in numbers], kind=kind)
        raise NotAcceptable


class RenderedEndpoint(DicomEndpoint):
    """One image as a picture for people; a synthetic one says so in the picture."""

    def retrieve(
        self, request: Request, *, study: str, series: str, instance: str, frames: str = "1"
    ) -> HttpResponseBase:
        ((one, stored),) = _pictures(_found(self.person, study, series, instance))
        if len(_numbers(frames)) != 1:
            raise ValidationError("A picture shows one frame; ask for each of its own.")
        return _picture(request, one, stored, Wish.read(request.GET))


class ThumbnailEndpoint(DicomEndpoint):
    """A small picture of an image, or of the middle one of a series or study; viewers list series by it."""

    def retrieve(
        self,
        request: Request,
        *,
        study: str,
        series: str = "",
        instance: str = "",
        frames: str = "1",
    ) -> HttpResponseBase:
        found = _pictures(_found(self.person, study, series, instance))
        _numbers(frames)
        one, stored = found[len(found) // 2]
        wish = Wish.read(request.GET)
        return _picture(request, one, stored, replace(wish, size=wish.size or _THUMBNAIL))


def _found(person: Person, study: str, series: str, instance: str) -> Found:
    found = [
        (one, stored)
        for one in series_of(person, study=study, series=series)
        for stored in one.instances
        if not instance or stored.uid == instance
    ]
    if not found:
        raise NotFound("There is no such image, or you may not see it.")
    return found


def _pictures(found: Found) -> Found:
    """Those that are images; outlines are retrieved whole."""
    images = [(one, stored) for one, stored in found if not one.outlines]
    if not images:
        raise NotFound("Outlines have no frames and no picture; retrieve the instance.")
    return images


def _files(found: Found, *, explicit: bool) -> Iterator[Piece]:
    for _one, stored in found:
        content = stored.content()
        if explicit:
            content = as_explicit(content)
        yield Piece(_DICOM, content)


def _metadata(found: Found, root: str) -> Iterator[str]:
    yield "["
    for number, (one, stored) in enumerate(found):
        header = stored.header()
        no_pixels(header)
        body = header.to_json_dict(suppress_invalid_tags=True)
        if not one.outlines:
            address = f"{instance_address(root, one, stored)}/frames/1"
            body["7FE00010"] = {"vr": "OW", "BulkDataURI": address}
        yield ("," if number else "") + json.dumps(body)
    yield "]"


def _numbers(frames: str) -> list[int]:
    texts = frames.split(",")
    if not all(text.isdecimal() for text in texts):
        raise ValidationError("Frames are named by their numbers, separated by commas.")
    if any(int(text) != 1 for text in texts):
        raise NotFound("The image has one frame, number 1.")
    return [int(text) for text in texts]


def _picture(
    request: Request, one: StoredSeries, stored: StoredInstance, wish: Wish
) -> HttpResponse:
    kind = _picture_type(accepted(request))
    image = stored.image()
    synthetic = one.synthetic or bool(synthetic_marks(image))  # any one mark suffices
    picture = picture_of(image, wish, kind=kind, synthetic=synthetic)
    return HttpResponse(picture, content_type=kind)


def _picture_type(entries: Sequence[MediaType]) -> str:
    for entry in entries:
        if entry.name in PICTURES:
            return entry.name
        if entry.name in (ANY, "image/*"):
            return PICTURES[0]
    raise NotAcceptable
