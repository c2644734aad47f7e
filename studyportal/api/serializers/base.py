"""What every request body has in common."""

from typing import Any

from rest_framework import serializers


class Body(serializers.Serializer[Any]):
    """A request body. A field that is not known is refused by its name, so that no typing error is lost."""

    def to_internal_value(self, data: Any) -> Any:
        if hasattr(data, "keys"):
            unknown = sorted(set(data.keys()) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {name: ["This field is not known."] for name in unknown}
                )
        return super().to_internal_value(data)


class Rows(serializers.Serializer[Any]):
    """An answer. It only reads, and says nothing about what may be done."""


def choice(statuses: Any, **options: Any) -> serializers.ChoiceField:
    """A field that holds one of these words; the label is the name by which the OpenAPI description knows it."""
    return serializers.ChoiceField(
        choices=[(status.value, status.name) for status in statuses], **options
    )
