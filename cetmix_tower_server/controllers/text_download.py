import re

from odoo.http import content_disposition, request

_NOT_IN_NAMES = re.compile(r"[^\w.-]+")


def text_download(text, *names):
    """Answer with a text as a file.

    :param str text: what the file holds
    :param names: what it is called: words that a person recognises it by
    """
    name = "_".join(filter(None, (_NOT_IN_NAMES.sub("_", part or "").strip("._") for part in names)))
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Disposition", content_disposition(f"{name[:150]}.txt")),
        ("X-Content-Type-Options", "nosniff"),
    ]
    return request.make_response(text, headers)
