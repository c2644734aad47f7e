"""What every DICOMweb endpoint has in common: who may, what is said when it cannot be, and no copies in between."""

from typing import Any, cast

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from studyportal.core.database.scope import narrow_to
from studyportal.core.models import User
from studyportal.dicom.rights import RIGHTS
from studyportal.sites.selectors import may, scope_of

DICOM_JSON = "application/dicom+json"


class NotAcceptable(APIException):
    """None of the formats that were asked for is offered."""

    status_code = 406
    default_detail = "None of the formats that were asked for is offered here."


class HasDicomRight(BasePermission):
    """The person holds, at some site or in the study, the right that the table names for this endpoint."""

    message = "Your roles do not let you do this."

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method == "OPTIONS":  # a browser asks without saying who it is
            return True
        if not request.user.is_authenticated:
            return False
        if view.action is None:  # the address has no such method: 405
            return True
        right = RIGHTS.get(f"{view.basename}.{view.action}")
        return right is not None and may(request.user, right)


class _AsTheEndpointSays(BaseContentNegotiation):
    """DICOM's media types carry parameters that decide; each endpoint reads them itself."""

    def select_parser(self, request: Request, parsers: Any) -> None:
        return None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class DicomEndpoint(ViewSet):
    """One address of DICOMweb."""

    permission_classes = [HasDicomRight]
    content_negotiation_class = _AsTheEndpointSays
    renderer_classes = [JSONRenderer]
    schema = None  # the standard describes it; the description of /api/v1/ leaves it out

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        narrow_to(scope_of(request.user))

    @property
    def person(self) -> User:
        """Who asks. The table of rights lets nobody this far who has not signed in."""
        return cast("User", self.request.user)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What a browser asks before a viewer from another address may read; it says nothing about images."""
        return Response(status=204)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Cache-Control"] = "no-store"
        origin = request.META.get("HTTP_ORIGIN", "")
        if origin in settings.DICOMWEB_VIEWERS:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Access-Control-Allow-Headers"] = "Authorization, Accept, Content-Type"
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
            answer.headers["Vary"] = "Origin"
        return answer
