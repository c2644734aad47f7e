"""Views that forget to ask whose rows they show: what the wall is for."""

from django.db import connection
from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from django.urls import include, path
from rest_framework.response import Response

from studyportal.api.views.base import Endpoint
from studyportal.core.database.bindings import portal_models
from studyportal.dicom.endpoints import DicomEndpoint
from studyportal.participants.models import Participant


def counts(request: HttpRequest) -> JsonResponse:
    """How many rows there are of every model, without any filter."""
    return JsonResponse({m._meta.label_lower: m._default_manager.count() for m in portal_models()})


def by_hand(request: HttpRequest) -> JsonResponse:
    """The same of participants in SQL, over a connection that others used before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT code FROM participants_participant")
        return JsonResponse({"codes": [code for (code,) in cursor.fetchall()]})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    """Codes that are read only when the answer is already on its way."""
    return StreamingHttpResponse(
        f"{row.code}\n" for row in Participant.objects.iterator(chunk_size=1)
    )


class Codes(Endpoint):
    permission_classes = []

    def list(self, request):
        return Response(list(Participant.objects.values_list("code", flat=True)))


class DicomCodes(DicomEndpoint):
    permission_classes = []

    def list(self, request):
        return Response(list(Participant.objects.values_list("code", flat=True)))


urlpatterns = [
    path("counts/", counts),
    path("by-hand/", by_hand),
    path("stream/", stream),
    path("codes/", Codes.as_view({"get": "list"}, basename="codes")),
    path("dicom-codes/", DicomCodes.as_view({"get": "list"}, basename="codes")),
    path("", include("studyportal.config.urls")),
]
