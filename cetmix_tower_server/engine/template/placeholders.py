"""Placeholders of secrets in code: ``#!cxtower.secret.REFERENCE!#``.

They are resolved last and only where an author wrote them. :func:`protect` turns the placeholders of author-controlled
text (code, stored values) into marks that contain a nonce, then the text is rendered, then the marks are resolved.
A placeholder that somebody types as a value for one run has no nonce and stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import RenderingError, SecretNotFound
from ..python import literals as python_literals
from ..secret import Secret, mask_of
from ..shell.insertion import insert_values

PLACEHOLDER = re.compile(r"#!cxtower\.secret\.([A-Za-z0-9_]+)!#")


def find_secrets(text: str) -> list[str]:
    """Return the references of the secrets that a text names, each once, in order."""
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


def protect(text: str, nonce: str) -> str:
    """Return the text with placeholders turned into marks; only for text that an author controls.

    A mark is made of letters and digits, so that it passes templates, JSON and URL filters unchanged.

    :param nonce: random letters and digits in lower case that no other text of this run can know
    """
    if not (nonce.isascii() and nonce.isalnum() and nonce == nonce.lower()):
        raise ValueError("A nonce has only lower-case letters and digits.")
    return PLACEHOLDER.sub(lambda match: f"twr{nonce}x{match[1].encode().hex()}z", text)


def find_protected(text: str, nonce: str) -> list[str]:
    """Return the references of the marks in a text, each once, in order."""
    if nonce not in text:
        return []
    return list(dict.fromkeys(map(_reference, _marks(nonce).finditer(text))))


def display(text: str, nonce: str) -> str:
    """Return the text with marks made readable: ``*** REFERENCE ***``."""
    if nonce not in text:
        return text
    return _marks(nonce).sub(lambda match: mask_of(_reference(match)), text)


def resolve_in_shell(text: str, nonce: str, secrets: Mapping[str, Secret]) -> str:
    """Return shell code in which each secret is data, however it is quoted.

    Works outside of quotes, in '...', "...", $'...', here-documents, $(...), `...`, and drops secrets in comments.

    :raise SecretNotFound: for a mark without a secret
    :raise RenderingError: where no text can stand safely, such as inside of ``${...}`` between double quotes
    """
    code, placeholder, references = with_placeholders(text, nonce)
    values = [_value(secrets, reference) for reference in references]
    for reference, value in zip(references, values, strict=True):
        if "\0" in value:
            raise RenderingError(
                f"The secret {reference} contains a NUL character, which shells do not accept."
            )
    return insert_values(code, placeholder, values) if values else code


def resolve_in_python(text: str, nonce: str, secrets: Mapping[str, Secret]) -> str:
    """Return Python code in which each secret is data: a literal, or a part of the string literal around it.

    :raise SecretNotFound: for a mark without a secret
    :raise RenderingError: where no text can stand safely
    """
    code, placeholder, references = with_placeholders(text, nonce)
    values = [_value(secrets, reference) for reference in references]
    return python_literals.fill(code, placeholder, values, comment=lambda value: "***") if values else code


def resolve_verbatim(text: str, nonce: str, secrets: Mapping[str, Secret]) -> str:
    """Return the text with the secrets as they are: for files, and for hosts without a POSIX shell.

    :raise SecretNotFound: for a mark without a secret
    """
    _refuse_changed_marks(_marks(nonce).sub("", text), nonce)
    return _marks(nonce).sub(lambda match: _value(secrets, _reference(match)), text)


def _marks(nonce: str) -> re.Pattern[str]:
    return re.compile(rf"twr{re.escape(nonce)}x((?:[0-9a-f]{{2}})+)z")


def _reference(match: re.Match[str]) -> str:
    return bytes.fromhex(match[1]).decode("ascii", "replace")


def _value(secrets: Mapping[str, Secret], reference: str) -> str:
    secret = secrets.get(reference)
    if secret is None:
        raise SecretNotFound(f"The secret {reference} has no value here.", reference)
    return secret.reveal()


def with_placeholders(text: str, nonce: str) -> tuple[str, str, list[str]]:
    """Return the text with one private character for each mark, that character, and the references in order."""
    if nonce not in text.lower():
        return text, "", []
    placeholder = python_literals.unused_character(text)
    references: list[str] = []

    def note(match: re.Match[str]) -> str:
        references.append(_reference(match))
        return placeholder

    code = _marks(nonce).sub(note, text)
    _refuse_changed_marks(code, nonce)
    return code, placeholder, references


def _refuse_changed_marks(text: str, nonce: str) -> None:
    if nonce in text.lower():
        raise RenderingError(
            "A filter or modifier changed the placeholder of a secret: use the secret as it is."
        )
