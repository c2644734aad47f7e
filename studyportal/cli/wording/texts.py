"""String expressions as templates: an f-string becomes its words with named placeholders."""

import ast
import re
from collections.abc import Iterator
from itertools import product

_MOST_VARIANTS = 12
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def variants_of(node: ast.expr) -> list[str] | None:
    """Return every template that a string expression can become, or None when it is no string.

    A choice between words inside an f-string (`{'is' if one else 'are'}`) gives one template each.

    Examples
    --------
    >>> variants_of(ast.parse("f'{site.code} is not recruiting.'", mode="eval").body)
    ['{code} is not recruiting.']
    """
    pieces = _pieces(node)
    if pieces is None:
        return None
    templates = []
    for chosen in list(product(*pieces))[:_MOST_VARIANTS]:
        taken: dict[str, str] = {}
        templates.append("".join(_named(piece, taken) for piece in chosen))
    return list(dict.fromkeys(templates))


Piece = str | tuple[str, str, str]
"""Fixed words, or a placeholder: its name, its format, and the expression behind it."""


def _pieces(node: ast.expr) -> list[list[Piece]] | None:
    """The parts of a string in their order, each with its alternatives."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [[node.value.replace("{}", "{value}")]]  # what `str.format` fills by position
    if isinstance(node, ast.JoinedStr):
        return [
            _alternatives(value.value, _format_of(value))
            if isinstance(value, ast.FormattedValue)
            else [str(value.value)]
            for value in node.values
            if isinstance(value, ast.FormattedValue | ast.Constant)
        ]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _pieces(node.left), _pieces(node.right)
        if left is None and right is None:
            return None
        return [
            *(left or [_alternatives(node.left, "")]),
            *(right or [_alternatives(node.right, "")]),
        ]
    return None


def _alternatives(node: ast.expr, shape: str) -> list[Piece]:
    if isinstance(node, ast.IfExp):
        return [*_alternatives(node.body, shape), *_alternatives(node.orelse, shape)]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    inner = variants_of(node) if isinstance(node, ast.JoinedStr) else None
    if inner is not None:
        return list(inner)
    return [(_name_of(node), shape, ast.unparse(node))]


def _format_of(value: ast.FormattedValue) -> str:
    spec = value.format_spec
    if not isinstance(spec, ast.JoinedStr):
        return ""
    return "".join(str(part.value) for part in spec.values if isinstance(part, ast.Constant))


def _name_of(node: ast.expr) -> str:
    """A short name for what stands in a placeholder."""
    if isinstance(node, ast.Name):
        return node.id.lower().lstrip("_")
    if isinstance(node, ast.Attribute):
        return node.attr.lower().lstrip("_")
    if isinstance(node, ast.Subscript):
        constant = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return constant if isinstance(constant, str) else _name_of(node.value)
    if isinstance(node, ast.Call):
        return _name_of_call(node)
    if isinstance(node, ast.BinOp):
        return _name_of(node.left if not isinstance(node.left, ast.Constant) else node.right)
    return "value"


def _name_of_call(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name) and node.func.id == "len":
        return "count"
    if isinstance(node.func, ast.Attribute):
        if node.func.attr in ("join", "get") and node.args:
            return "names" if node.func.attr == "join" else _name_of(node.args[0])
        return _name_of(node.func.value)
    return _name_of(node.args[0]) if node.args else _name_of(node.func)


def _named(piece: Piece, taken: dict[str, str]) -> str:
    """A piece as text; two values of one name are told apart by a number."""
    if isinstance(piece, str):
        return piece
    wanted, shape, expression = piece
    base = wanted if _NAME.fullmatch(wanted) else "value"
    name = next(
        candidate
        for candidate in _numbered(base)
        if taken.setdefault(candidate, expression) == expression
    )
    return f"{{{name}:{shape}}}" if shape else f"{{{name}}}"


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base}{number}"
        number += 1
