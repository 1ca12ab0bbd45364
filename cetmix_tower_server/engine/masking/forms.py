"""The forms in which a secret can show up in output."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from ..python import literals as python_literals
from ..shell import quoting

LINE_MIN = 6  # characters a line of a multi-line secret must have to be masked alone
ENCODED_MIN = 4  # characters; shorter base64 says nothing
ACROSS_MIN = 8  # characters of base64 that are looked for across line breaks
HEX_ACROSS_MIN = 12  # the same of hexadecimal digits
HEX_MIN = 8  # hexadecimal digits; fewer are found in any number
WRAP_WIDTHS = (64, 76)  # columns: openssl and PEM, base64(1) and MIME
_ALNUM_RUN = re.compile(r"[A-Za-z0-9]{5,}")


def secret_forms(value: str) -> set[str]:
    """Return every text that would show the secret: plain, quoted and encoded, whole and line by line.

    White space at the ends is not part of what is hidden; a secret that consists of white space has no forms.
    """
    stripped = value.strip()
    if not stripped:
        return set()
    forms = {form for whole in {value, stripped} for form in (*_base64_forms(whole), *_hex_forms(whole))}
    for core in {stripped, *_lines([stripped])}:
        forms |= _quoted_forms(core)
    return {form for form in {*forms, *_lines(forms)} if form.strip()}


def encoded_forms(value: str) -> set[str]:
    """Return what base64 and hexadecimal dumps show of a secret, whatever surrounds it.

    These forms are searched regardless of line breaks and blanks. Secrets too short to be told from other text have none.
    """
    forms = set()
    for text in {value, value.strip()}:
        inner = json.dumps(text)[1:-1]
        for whole in {text, text if "\n" in text else inner} if text else ():
            forms |= {form for form in _base64_forms(whole, wrapped=False) if len(form) >= ACROSS_MIN}
            forms |= {form for form in _hex_forms(whole) if len(form) >= HEX_ACROSS_MIN}
    return forms


def group_by_anchor(forms: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Group forms by a text that all forms of the group contain, so that one search can rule them all out.

    :return: [(anchor, forms)]; each form is in exactly one group
    """
    groups: dict[str, list[str]] = {}
    for form in sorted(forms, key=lambda form: (len(form), form)):
        anchor = next((anchor for anchor in groups if anchor in form), None)
        if anchor is None:
            runs = _ALNUM_RUN.findall(form)
            anchor = max(runs, key=len) if runs else form
        groups.setdefault(anchor, []).append(form)
    return list(groups.items())


def _lines(texts: Iterable[str]) -> set[str]:
    """Return the lines of multi-line texts that are long enough to be masked alone."""
    lines = (line.strip() for text in texts if "\n" in text for line in text.split("\n"))
    return {line for line in lines if len(line) >= LINE_MIN}


def _quoted_forms(text: str) -> set[str]:
    dumped = json.dumps(text)[1:-1]
    readable = json.dumps(text, ensure_ascii=False)[1:-1]
    forms = {
        text,
        shlex.quote(text)[1:-1] if shlex.quote(text) != text else text,
        quoting.single_content(text),
        quoting.double_content(text),
        quoting.heredoc_content(text),
        quoting.ansi_content(text),
        quoting.backslashed(text),
        *_python_forms(text),
        *(form.replace("/", "\\/") for form in (dumped, readable)),
        *(_html_safe_json(form) for form in (dumped, readable)),
        dumped,
        readable,
        *_html_forms(text),
        text.replace("'", "''"),  # SQL
        text.replace('"', '""'),  # CSV, SQL names
        *_doubled_forms(text),
        quoting.printed_bare(text),
        quoting.printed_bare(f"x{text}")[1:],
        quoting.printed_by_dash(text),
        json.dumps(dumped)[1:-1],  # JSON in a text of JSON
        json.dumps(readable, ensure_ascii=False)[1:-1],
    }
    if quoting.NOT_ASCII.search(text):
        forms |= _printed_forms(text) | _other_encodings(text)
    return forms | _url_forms(text)


def _doubled_forms(text: str) -> set[str]:
    """Return the text as formats show it that escape nothing but a backslash, a quote or a per cent sign."""
    slashes = text.replace("\\", "\\\\")
    return {
        slashes,
        slashes.replace("'", "''"),  # PostgreSQL's E'...'
        slashes.replace("'", "\\'"),  # MySQL, PHP
        slashes.replace('"', '\\"'),  # systemd, nginx
        text.replace("%", "%%"),  # formats of printf, ini files
        text.replace("%", "\\%"),  # crontab
    }


def _yaml_content(text: str) -> str:
    """Return the text as YAML shows it inside "...", with ASCII only."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return "".join(char if char.isascii() else _yaml_escape(ord(char)) for char in escaped)


def _yaml_escape(code: int) -> str:
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _printed_forms(text: str) -> set[str]:
    """Return how programs show a text that is not all printable ASCII, in locales that know its letters and that do not."""
    octal = "".join(char if char.isascii() else quoting.ansi_content(char) for char in text)
    forms = {octal, octal.replace('"', '\\"'), _yaml_content(text)}
    for unprintable in (quoting.NOT_ASCII, quoting.CONTROL):
        single = quoting.printed_single_content(text, unprintable)
        forms |= {quoting.printed_ansi_content(text, unprintable), single, single.removesuffix("''")}
    return forms


def _other_encodings(text: str) -> set[str]:
    """Return how a text shows that was written in an older encoding, or with its accents apart."""
    forms = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")}
    for encoding in ("latin-1", "cp1252"):
        try:
            shown = text.encode(encoding).decode("utf-8", "replace")
        except UnicodeEncodeError:
            continue
        if sum(map(str.isascii, shown)) >= ENCODED_MIN:  # else any broken output would do
            forms.add(shown)
    return forms


def _html_forms(text: str) -> set[str]:
    """Return the text as HTML and XML writers of all kinds escape it, once and twice."""
    escaped = html.escape(text, quote=False)
    forms = {escaped}
    for single in ("'", "&#x27;", "&#39;", "&#039;", "&apos;"):
        for double in ('"', "&quot;", "&#34;", "&#x22;"):
            forms.add(escaped.replace("'", single).replace('"', double))
    return forms | {html.escape(form, quote=False) for form in forms}


def _python_forms(text: str) -> set[str]:
    """Return the text as Python prints it inside quotes, of either kind."""
    plain, ascii_only = repr(text)[1:-1], ascii(text)[1:-1]
    raw = repr(text.encode("utf-8", "replace"))[2:-1]
    quoted = {form.replace("'", "\\'") for form in (plain, ascii_only) if "\\'" not in form}
    return {plain, ascii_only, raw, python_literals.escape(text), *quoted}


def _html_safe_json(dumped: str) -> str:
    return (
        dumped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")
    )


def _url_forms(text: str) -> set[str]:
    data = text.encode("utf-8", "replace")
    twice = {quote(form, safe="") for form in (quote(data, safe=""), quote(data), quote_plus(data))}
    quoted = twice | {
        quote(data, safe=""),
        quote(data),
        quote(data, safe="!'()*"),  # encodeURIComponent
        quote(data, safe="!#$&'()*+,/:;=?@"),  # encodeURI
        quote_plus(data),
        quote_plus(data, safe="*"),  # forms of browsers
        "".join(f"%{byte:02X}" for byte in data),
    }
    return quoted | {re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form) for form in quoted}


def _hex_forms(text: str) -> set[str]:
    data = text.encode("utf-8", "replace")
    return {data.hex()} if len(data) * 2 >= HEX_MIN else set()


def _base64_forms(text: str, wrapped: bool = True) -> set[str]:
    """Return what base64 of any text that contains this one shows, at each of the three alignments.

    Characters that also depend on the neighbours are part of a form only where the secret ends the text.

    :param wrapped: also single lines of it, at the widths that are usual
    """
    data = text.encode("utf-8", "replace")
    forms = set()
    for offset in range(3):
        first = -(-8 * offset // 6)  # first character that depends on the secret alone
        encoded = base64.b64encode(b"\0" * offset + data).decode()
        forms.add(encoded[first : 8 * (offset + len(data)) // 6])
        with_newline = base64.b64encode(b"\0" * offset + data + b"\n").decode()
        forms |= {encoded[first:], with_newline[first:]}
    for ending in (data, data + b"\n") if wrapped else ():
        encoded = base64.b64encode(ending).decode()
        forms |= {part for width in WRAP_WIDTHS for part in _wrapped(encoded, width)}
    forms |= {form.translate(str.maketrans("+/", "-_")) for form in forms}
    return {form for form in {*forms, *(form.rstrip("=") for form in forms)} if len(form) >= ENCODED_MIN}


def _wrapped(encoded: str, width: int) -> list[str]:
    """Return the lines of a wrapped text; a last line that is too short to be told apart is left out."""
    if len(encoded) <= width:
        return []
    lines = [encoded[start : start + width] for start in range(0, len(encoded), width)]
    return [line for line in lines if len(line) >= 2 * ENCODED_MIN]
