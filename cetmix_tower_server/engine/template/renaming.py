"""Renaming a variable inside templates: every use of the name, and nothing that only looks like one."""

from __future__ import annotations

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import SandboxedEnvironment

from ..bounded import pool
from . import tags

# keep_trailing_newline: positions in the source are computed, so the lexer may not drop anything
_ENVIRONMENT = SandboxedEnvironment(**tags.SYNTAX)
# After these words of a tag a name is no variable: it names a block, a macro, a filter.
_NAMING_WORDS = {"block", "endblock", "macro", "endmacro", "filter"}


def rename_variable(source: str, old: str, new: str) -> str:
    """Return ``source`` with each use of variable ``old`` turned into ``new``.

    Strings, comments, raw blocks, attributes, filters, tests and keyword arguments of the same name stay as they
    are, and so does everything when ``old`` is not used or the template is malformed (it cannot run either way).

    :param source: a Jinja template
    :raise ValueError: when the template gives the new name, or the old one as a macro or its parameter, a meaning
        of its own, so that renaming would change what it does
    :raise OutOfBudget: reading the template takes too long
    """
    if not source or old not in source or not tags.has_tags(source):
        return source
    if not pool.is_child:
        return str(pool.run("rename_variable", source, old, new, what="a template"))
    try:
        marked = tags.mark_comments(source)
        tree = _ENVIRONMENT.parse(marked)
    except TemplateSyntaxError:
        return source
    used = meta.find_undeclared_variables(tree)
    if old not in used:
        return source
    if _is_bound(tree, new) or _is_macro_name(tree, old):
        raise ValueError(f"{old} cannot be renamed to {new} without changing the template")
    renamed = _replace(source, _find_uses(marked, old), old, new)
    if meta.find_undeclared_variables(_ENVIRONMENT.parse(tags.mark_comments(renamed))) != (used - {old}) | {
        new
    }:
        raise ValueError(f"{old} cannot be renamed to {new} without changing the template")
    return renamed


def _is_bound(tree: nodes.Template, name: str) -> bool:
    names = tree.find_all(nodes.Name)
    return any(node.name == name and node.ctx != "load" for node in names) or _is_macro_name(tree, name)


def _is_macro_name(tree: nodes.Template, name: str) -> bool:
    for node in tree.find_all((nodes.Macro, nodes.CallBlock)):
        if getattr(node, "name", None) == name or any(arg.name == name for arg in node.args):
            return True
    return False


def _replace(source: str, positions: list[int], old: str, new: str) -> str:
    parts, end = [], 0
    for position in positions:
        parts += [source[end:position], new]
        end = position + len(old)
    return "".join([*parts, source[end:]])


def _find_uses(source: str, name: str) -> list[int]:
    """Return the positions of ``name`` where it stands for the variable."""
    tokens = _read_tokens(source)
    return [
        position
        for index, (position, kind, value, depth) in enumerate(tokens)
        if kind == "name" and value == name and _is_variable(tokens, index, depth)
    ]


def _is_variable(tokens: list[tuple[int, str, str, int]], index: int, depth: int) -> bool:
    _position, before_kind, before, _depth = tokens[index - 1]
    if before_kind == "operator" and before in (".", "|"):
        return False
    if before_kind == "name" and (before == "is" or before in _NAMING_WORDS):
        return False
    if before == "not" and tokens[index - 2][2] == "is":
        return False
    after = tokens[index + 1][2] if index + 1 < len(tokens) else ""
    return not (after == "=" and depth > 0)


def _read_tokens(source: str) -> list[tuple[int, str, str, int]]:
    """Return (position, kind, text, open parentheses) of what is not white space.

    Jinja's lexer tells lines only, and leaves out white space that ``{%-`` takes away; each token is the next
    place where its text stands. Carriage returns are replaced first, as the lexer would drop them.
    """
    tokens, position, depth = [], 0, 0
    source = source.replace("\r", "\v")
    for _line, kind, value in _ENVIRONMENT.lexer.tokeniter(source, None):
        position = source.index(value, position)
        if kind == "operator" and value in "([{":
            depth += 1
        elif kind == "operator" and value in ")]}":
            depth -= 1
        if kind != "whitespace":
            tokens.append((position, kind, value, depth))
        position += len(value)
    return tokens
