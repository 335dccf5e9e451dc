"""Reads Nix files without Nix: their syntax trees and the values of literals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import tree_sitter_nix
from tree_sitter import Language, Node, Parser

REPOSITORY: Final = Path(__file__).parents[2]
FILES: Final = sorted([REPOSITORY / "flake.nix", *(REPOSITORY / "nix").rglob("*.nix")])

Value: TypeAlias = "str | int | list[Value] | dict[str, Value] | None"


def parse(source: bytes) -> Node:
    return Parser(Language(tree_sitter_nix.language())).parse(source).root_node


def errors(node: Node) -> Iterator[str]:
    """The lines with syntax errors."""
    if node.type == "formal" and not text(node):
        return  # the grammar does not accept a trailing comma
    if node.is_error or node.is_missing:
        yield f"line {node.start_point.row + 1}: {text(node)[:40]!r}"
    for child in node.children:
        yield from errors(child)


def text(node: Node | None) -> str:
    return node.text.decode() if node and node.text else ""


def binding(root: Node, name: str) -> Node:
    """The expression that a file binds to a name; the file binds it exactly once."""
    [found] = [
        node.child_by_field_name("expression")
        for node in _all(root)
        if node.type == "binding" and text(node.child_by_field_name("attrpath")) == name
    ]
    assert found is not None
    return found


def calls(root: Node, function: str) -> Iterator[Node]:
    """The arguments of each call of a function."""
    for node in _all(root):
        argument = node.child_by_field_name("argument")
        if argument and text(node.child_by_field_name("function")) == function:
            yield argument


def value(node: Node | None, **variables: int) -> Value:
    """The value of a literal; None for an expression that has to be evaluated."""
    if node is None:
        return None
    result: Value = None
    match node.type:
        case "string_expression" if "${" not in text(node):
            result = text(node)[1:-1]
        case "integer_expression":
            result = int(text(node))
        case "variable_expression":
            result = variables.get(text(node))
        case "binary_expression":
            result = _product(node, variables)
        case "list_expression":
            result = [value(each, **variables) for each in node.children_by_field_name("element")]
        case "attrset_expression":
            result = {
                text(each.child_by_field_name("attrpath")).strip('"'): value(
                    each.child_by_field_name("expression"), **variables
                )
                for bindings in node.named_children
                for each in bindings.children_by_field_name("binding")
            }
    return result


def _product(node: Node, variables: dict[str, int]) -> int | None:
    left, right = (value(node.child_by_field_name(side), **variables) for side in ("left", "right"))
    if isinstance(left, int) and isinstance(right, int) and "*" in text(node):
        return left * right
    return None


def _all(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _all(child)
