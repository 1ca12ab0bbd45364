"""Checks authors' Python before it is evaluated, and explains errors by the author's own lines."""

from __future__ import annotations

import ast
import traceback
from types import TracebackType

from ..errors import EngineError
from ..exit_codes import ExitCode

FILENAME = "tower_command"


class PythonCodeError(EngineError):
    """An author's Python was rejected or raised; ``line`` is the line in the author's code, 0 if unknown."""

    exit_code = ExitCode.PYTHON_COMMAND_ERROR

    def __init__(self, message: str, line: int = 0):
        super().__init__(message)
        self.line = line


def check(code: str) -> None:
    """Refuse what the sandbox would refuse with a cryptic message: name the line and the alternative.

    :raise PythonCodeError: syntax error; assignment to an attribute; a name with a double underscore; import
    """
    try:
        tree = ast.parse(code, FILENAME)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise PythonCodeError(f"Line {line}: {getattr(error, 'msg', error)}", line) from None
    for node in ast.walk(tree):
        problem = _problem(node)
        if problem:
            raise PythonCodeError(f"Line {node.lineno}: {problem}", node.lineno)


def _problem(node: ast.AST) -> str:
    """Return why a node is refused, or ""."""
    if isinstance(node, ast.Attribute):
        if isinstance(node.ctx, (ast.Store, ast.Del)):
            return (
                f"assigning to “.{node.attr}” is not allowed; use write, for example"
                f' record.write({{"{node.attr}": value}}).'
            )
        if "__" in node.attr:
            return f"the name “{node.attr}” is not allowed: names with a double underscore are reserved by Python."
        if node.attr in ("format", "format_map") and not _is_harmless_text(node.value):
            return f"“.{node.attr}” is only allowed on a string literal; use an f-string or the % operator."
    if isinstance(node, ast.Name) and "__" in node.id:
        return f"the name “{node.id}” is not allowed: names with a double underscore are reserved by Python."
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return "import is not allowed: the libraries listed on the Help tab are already available."
    return ""


def _is_harmless_text(node: ast.AST) -> bool:
    """Return whether a node is a literal text whose fields cannot walk to Python's own attributes.

    ``"{0.__init__.__globals__}".format(record)`` would get past the sandbox, which only sees names in code.
    """
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and "__" not in node.value


def explain(error: BaseException, trace: TracebackType | None = None) -> PythonCodeError:
    """Turn an exception that an author's code raised into a message with the author's line.

    The sandbox wraps exceptions in a ``ValueError`` that repeats the whole code; the original one is its
    context. The message is not masked here.
    """
    original = error
    if isinstance(error, ValueError) and error.__context__ is not None and "while evaluating" in str(error):
        original = error.__context__
    line = author_line(original.__traceback__ or trace)
    text = str(original) or type(original).__name__
    if not isinstance(original, EngineError):
        text = f"{type(original).__name__}: {text}"
    where = f"Line {line}: " if line else ""
    return PythonCodeError(f"{where}{text}", line)


def author_line(trace: TracebackType | None) -> int:
    """Return the deepest line of the author's code in a traceback, 0 when there is none."""
    lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == FILENAME]
    return lines[-1] or 0 if lines else 0
