"""STOW-RS: images come in by HTTP, into the same spool and under the same rules as by C-STORE."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from pydicom.dataset import Dataset
from rest_framework.exceptions import NotFound, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.request import Request

from studyportal.core.spool import Batch, Ending, Outcome
from studyportal.dicom.endpoints import DICOM_JSON, DicomEndpoint
from studyportal.dicom.head import Head
from studyportal.dicom.keeping import (
    CANNOT_UNDERSTAND,
    DUPLICATE,
    OUT_OF_RESOURCES,
    NotTaken,
    settle_file,
)
from studyportal.dicom.multipart import MultipartBroken, Part, media_type, parts_of
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to

if TYPE_CHECKING:
    from studyportal.sites.models import Site

_DICOM = "application/dicom"
_log = logging.getLogger(__name__)


class _Report:
    """What became of each instance, as the answer of the standard."""

    def __init__(self) -> None:
        self.stored: list[Dataset] = []
        self.failed: list[Dataset] = []
        self.others: list[Dataset] = []

    def take(self, head: Head, outcome: Outcome) -> None:
        if outcome == Outcome.CONFLICT:
            self.refuse(NotTaken(DUPLICATE, "", head))
        else:
            self.stored.append(_reference(head))

    def refuse(self, refusal: NotTaken) -> None:
        item = _reference(refusal.head)
        item.FailureReason = refusal.status
        (self.others if refusal.head is None else self.failed).append(item)

    def answer(self) -> JsonResponse:
        """200 when all are stored, 202 when some are, 409 when none is."""
        body = Dataset()
        if self.stored:
            body.ReferencedSOPSequence = self.stored
        if self.failed:
            body.FailedSOPSequence = self.failed
        if self.others:
            body.OtherFailuresSequence = self.others
        refused = bool(self.failed or self.others)
        status = (202 if self.stored else 409) if refused else 200
        return JsonResponse(body.to_json_dict(), status=status, content_type=DICOM_JSON)


def _reference(head: Head | None) -> Dataset:
    item = Dataset()
    if head is not None:
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = (
            head.sop_class,
            head.sop_instance,
        )
    return item


class StoreEndpoint(DicomEndpoint):
    """Takes instances for a site: the one that the address names, else the only one at which the person may upload."""

    def store(self, request: Request, *, site: str = "", study: str = "") -> JsonResponse:
        """Every instance of the body is in the spool, or named with the reason why not."""
        target = self._site(site)
        kind = media_type(request.META.get("CONTENT_TYPE", ""))
        inner = kind.parameters.get("type", _DICOM).lower()
        if kind.name != "multipart/related" or inner != _DICOM:
            raise UnsupportedMediaType(f"{kind.name}; type={inner}")
        batch = Batch(site_code=target.code, way="stow", sender=self.person.username)
        report, ending = _Report(), Ending.BROKEN_OFF
        try:
            for part in parts_of(_body_of(request), kind.parameters.get("boundary", "")):
                _keep(part, batch, report, site_code=target.code, study=study)
            ending = Ending.RELEASED
        except MultipartBroken as broken:
            raise ParseError(str(broken)) from broken
        finally:
            batch.end(ending)
        if not (report.stored or report.failed or report.others):
            raise ParseError("The body holds no part.")
        return report.answer()

    def _site(self, code: str) -> Site:
        sites = sites_visible_to(self.person, Action.UPLOAD_IMAGES)
        if code:
            found = sites.filter(code=code).first()
            if found is None:
                raise NotFound("There is no such site, or you may not upload there.")
            return found
        if sites.count() != 1:
            raise ValidationError("Name the site in the address: /dicomweb/sites/CODE/studies.")
        return sites.get()


def _keep(part: Part, batch: Batch, report: _Report, *, site_code: str, study: str) -> None:
    try:
        temporary = batch.incoming()
        _write(temporary, _capped(part))
        report.take(*settle_file(batch, temporary, site_code=site_code, study=study))
    except NotTaken as refusal:
        batch.fail(str(refusal))
        report.refuse(refusal)
    except OSError as error:
        _log.error("a file could not be kept: %s", type(error).__name__)
        batch.fail("The disk is full or failed.")
        report.refuse(NotTaken(OUT_OF_RESOURCES, ""))


def _write(target: Path, content: Iterable[bytes]) -> None:
    try:
        with target.open("wb") as stream:
            stream.writelines(content)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _capped(part: Part) -> Iterator[bytes]:
    if part.media_type.name not in (_DICOM, ""):
        raise NotTaken(CANNOT_UNDERSTAND, "A part is no DICOM file.")
    size = 0
    for piece in part.content:
        size += len(piece)
        if size > settings.UPLOAD_MAX_BYTES_PER_FILE:
            raise NotTaken(OUT_OF_RESOURCES, "A file is larger than an image is.")
        yield piece


def _body_of(request: Request) -> Callable[[int], bytes]:
    """Reads the body as it comes. Django's own reader knows no end of a chunked body; the web server does."""
    plain = cast("HttpRequest", request._request)
    chunked = "chunked" in plain.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    read = cast("BinaryIO", plain.META["wsgi.input"]).read if chunked else plain.read

    def piece(size: int) -> bytes:
        try:
            return read(size)
        except OSError as error:
            raise MultipartBroken("The connection broke.") from error

    return piece
