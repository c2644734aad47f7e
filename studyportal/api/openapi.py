"""What the OpenAPI description says beyond the endpoints: every one of them may answer a problem."""

from typing import Any

_REASON = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "sentence", "where")},
}
_PROBLEM = {
    "type": "object",
    "description": "A refusal or an error (RFC 9457)",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "reasons": {"type": "array", "items": _REASON, "description": "Why the work said no"},
        "fields": {
            "type": "object",
            "additionalProperties": True,
            "description": "Field → what is wrong with it",
        },
    },
}


def describe_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation names the problem it may answer."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = {"description": "A problem", "content": content}
    return result
