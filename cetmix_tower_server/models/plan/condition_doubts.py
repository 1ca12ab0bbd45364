"""Warnings about comparisons in conditions that cannot work as intended, for the form and for dry runs."""

from ...engine.plan.comparisons import Doubt, How

SHOWN_MAX = 60  # characters of a value in a sentence


def doubt_text(env, use, doubt, text=None):
    """Return the warning about one use of a variable.

    :param use: ``engine.plan.comparisons.Use``
    :param doubt: ``engine.plan.comparisons.Doubt``
    :param text: the value of the variable, if it is known and may be shown
    """
    values = {
        "name": f"{{{{ {use.name} }}}}",
        "what": env._("the text “%s”", _shortened(text)) if text is not None else env._("a text"),
        "literal": _word_literals(env, use),
        "number": next((repr(item) for item in use.literals if not isinstance(item, str)), ""),
    }
    if doubt is Doubt.READS_FALSE:
        return env._(
            "“%(name)s” is used as a truth value but may be a text like “no” (%(what)s). Every non-empty "
            'text counts as true. Compare it instead, for example: %(name)s == "true".',
            **values,
        )
    if doubt is Doubt.NO_ORDER:
        return env._(
            "“%(name)s” is %(what)s and cannot be ordered against %(literal)s, so the condition fails. Use "
            "int(%(name)s).",
            **values,
        )
    if doubt is Doubt.NO_OPTION:
        return env._(
            "“%(name)s” is compared with %(literal)s, which is not one of the variable's options, so they "
            "are never equal.",
            **values,
        )
    return env._(
        "“%(name)s” is %(what)s and is compared with %(literal)s, so they are never equal. Write "
        '"%(number)s" in quotes.',
        **values,
    )


def _word_literals(env, use):
    """Return the literals that a variable is compared with, with their types."""
    shown = [_word_literal(env, item) for item in use.literals[:3]]
    joint = env._(" or ") if use.how in (How.EQUAL, How.DIFFERENT) else ", "
    return joint.join(shown)


def _word_literal(env, item):
    if isinstance(item, str):
        return env._("the text “%s”", _shortened(item))
    if item is None or isinstance(item, bool):
        return str(item)
    return env._("the number %s", item)


def _shortened(text):
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}…"
