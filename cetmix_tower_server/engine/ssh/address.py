"""Addresses of hosts as people type them: IPv4, IPv6, names."""

from __future__ import annotations

import ipaddress
import re
from enum import Enum

#: RFC 1123 label, and the underscore that container networks and old DNS zones use.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NAME_LIMIT = 253


class Kind(str, Enum):
    """What an address is."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"
    NAME = "name"


def normalise(text: str) -> str:
    """Return an address without the blanks and brackets that come along when it is pasted from a URL."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    return text


def classify(text: str) -> Kind:
    """Tell what an address is.

    :param text: normalised address; IPv6 may have a zone ("fe80::1%eth0")
    :raise ValueError: neither an address nor a name a host can have
    """
    try:
        return Kind.IPV4 if ipaddress.ip_address(text).version == 4 else Kind.IPV6
    except ValueError:
        if is_host_name(text):
            return Kind.NAME
    raise ValueError("not an address")


def is_host_name(text: str) -> bool:
    """Return whether a text can be the name of a host; international names are fine.

    Names whose last label is a number are refused: they are mistyped IPv4 addresses (RFC 3696, section 2).
    """
    try:
        name = text.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        return False
    labels = name.split(".")
    return len(name) <= _NAME_LIMIT and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()
