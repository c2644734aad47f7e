"""Addresses of DICOMweb, below /dicomweb. They end without a slash, as the standard has them."""

from typing import Any

from django.urls import URLPattern, path

from studyportal.dicom.endpoints import DicomEndpoint
from studyportal.dicom.retrieving import (
    FramesEndpoint,
    MetadataEndpoint,
    RenderedEndpoint,
    RetrieveEndpoint,
    ThumbnailEndpoint,
)
from studyportal.dicom.searching import SearchEndpoint
from studyportal.dicom.storing import StoreEndpoint

app_name = "dicom"


class _Studies(SearchEndpoint, StoreEndpoint):
    """Searched by GET, stored into by POST."""


class _Study(RetrieveEndpoint, StoreEndpoint):
    """Retrieved by GET, stored into by POST."""


class _Series(SearchEndpoint):
    level = "series"


class _Instances(SearchEndpoint):
    level = "instance"


def _address(route: str, name: str, endpoint: type[DicomEndpoint], **methods: str) -> URLPattern:
    acts: dict[str, Any] = {**methods} or {"get": "retrieve"}
    return path(route, endpoint.as_view(acts, basename=name), name=name)


_STUDY = "studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"

urlpatterns = [
    _address("studies", "studies", _Studies, get="search", post="store"),
    _address("series", "every-series", _Series, get="search"),
    _address("instances", "every-instance", _Instances, get="search"),
    _address("sites/<str:site>/studies", "site-studies", StoreEndpoint, post="store"),
    _address("sites/<str:site>/studies/<str:study>", "site-study", StoreEndpoint, post="store"),
    _address(_STUDY, "study", _Study, get="retrieve", post="store"),
    _address(f"{_STUDY}/metadata", "study-metadata", MetadataEndpoint),
    _address(f"{_STUDY}/thumbnail", "study-thumbnail", ThumbnailEndpoint),
    _address(f"{_STUDY}/series", "study-series", _Series, get="search"),
    _address(f"{_STUDY}/instances", "study-instances", _Instances, get="search"),
    _address(_SERIES, "series", RetrieveEndpoint),
    _address(f"{_SERIES}/metadata", "series-metadata", MetadataEndpoint),
    _address(f"{_SERIES}/thumbnail", "series-thumbnail", ThumbnailEndpoint),
    _address(f"{_SERIES}/instances", "series-instances", _Instances, get="search"),
    _address(_INSTANCE, "instance", RetrieveEndpoint),
    _address(f"{_INSTANCE}/metadata", "instance-metadata", MetadataEndpoint),
    _address(f"{_INSTANCE}/rendered", "instance-rendered", RenderedEndpoint),
    _address(f"{_INSTANCE}/thumbnail", "instance-thumbnail", ThumbnailEndpoint),
    _address(f"{_INSTANCE}/frames/<str:frames>/thumbnail", "frames-thumbnail", ThumbnailEndpoint),
    _address(f"{_INSTANCE}/frames/<str:frames>", "frames", FramesEndpoint),
    _address(f"{_INSTANCE}/frames/<str:frames>/rendered", "frames-rendered", RenderedEndpoint),
]
