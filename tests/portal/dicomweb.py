"""Other people's DICOMweb client, talking to the portal without a network."""

from io import BytesIO
from urllib.parse import urlsplit

import requests
from dicomweb_client import DICOMwebClient
from requests.adapters import BaseAdapter
from rest_framework.test import APIClient


class _Portal(BaseAdapter):
    """Hands each request to Django; a body that comes in chunks has no length, as behind the web server."""

    def __init__(self, user) -> None:
        super().__init__()
        self._client = APIClient()
        self._client.force_authenticate(user)

    def send(self, request, **_):
        place = urlsplit(request.url)
        headers = {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in request.headers.items()}
        kind = headers.pop("HTTP_CONTENT_TYPE", "")
        headers["HTTP_HOST"] = "testserver"
        body = request.body or b""
        if not isinstance(body, bytes):
            headers |= {"wsgi.input": BytesIO(b"".join(body)), "CONTENT_LENGTH": ""}
            body = b""
        address = f"{place.path}?{place.query}"
        answer = self._client.generic(request.method, address, body, kind, **headers)
        return _response(request, answer)

    def close(self) -> None:
        pass


def _response(request, answer) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = answer.status_code, request, request.url
    response.headers.update(answer.headers)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    response.raw = BytesIO(content)
    return response


def client_of(user, *, prefix: str | None = None, chunk_size: int = 10**6) -> DICOMwebClient:
    """dicomweb-client for this person."""
    session = requests.Session()
    session.mount("http://", _Portal(user))
    return DICOMwebClient(
        "http://testserver/dicomweb", session=session, stow_url_prefix=prefix, chunk_size=chunk_size
    )
