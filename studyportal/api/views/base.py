"""What every endpoint has in common."""

from typing import Any, ClassVar, TypeVar, cast
from uuid import UUID

from django.conf import settings
from django.db.models import Model, QuerySet
from rest_framework import mixins, viewsets
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from studyportal.api.filters import StrictFilters
from studyportal.api.permissions import HasRight
from studyportal.api.problems import BodyTooLarge
from studyportal.core.database.scope import narrow_to
from studyportal.core.models import User
from studyportal.sites.selectors import scope_of

Row = TypeVar("Row", bound=Model)


class PortalJSONParser(JSONParser):
    """Reads JSON; brackets nested deeper than any body needs are a fault of the sender."""

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError("The JSON is nested too deeply.") from error


class Endpoint(viewsets.GenericViewSet[Any]):
    """Answers JSON to whoever holds the right that the table names, and lets nobody keep a copy in between."""

    permission_classes = [HasRight]
    parser_classes = [PortalJSONParser]
    http_method_names = ["get", "head", "post", "delete"]

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        narrow_to(scope_of(request.user))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Django limits the bodies that it reads itself; a JSON body is read past that limit.
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if (
            PortalJSONParser in self.parser_classes
            and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        ):
            raise BodyTooLarge

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @property
    def person(self) -> User:
        """Who acts. The table of rights lets nobody this far who has not signed in."""
        return cast("User", self.request.user)

    def body(self, kind: type[Serializer[Any]]) -> dict[str, Any]:
        """The body of the request, or a refusal that names each field."""
        serializer = kind(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


class RowEndpoint(mixins.ListModelMixin, mixins.RetrieveModelMixin, Endpoint):
    """A list of rows, filtered and in pages, and one row in detail."""

    filter_backends = [StrictFilters]
    row: ClassVar[type[Serializer[Any]]]
    detail_row: ClassVar[type[Serializer[Any]]]

    def get_serializer_class(self) -> type[Serializer[Any]]:
        return self.row if self.action == "list" else self.detail_row

    def answer(self, row: Model, *, status: int = 200) -> Response:
        """The row in detail."""
        return Response(self.detail_row(row).data, status=status)


def named(rows: QuerySet[Row], key: UUID, field: str) -> Row:
    """The row that a field of the body names, among those the person may see."""
    return named_by(rows, "pk", key, field=field)


def named_by(rows: QuerySet[Row], column: str, key: object, *, field: str) -> Row:
    """The row with this value in this column, among those the person may see."""
    row = rows.filter(**{column: key}).first()
    if row is None:
        raise ValidationError({field: ["There is none of this name, or you may not see it."]})
    return row
