"""Sentences about comparisons in conditions that cannot do what their author wants, for the form and for dry runs."""

from ...engine.plan.comparisons import Doubt, How

SHOWN_MAX = 60  # characters of a value in a sentence


def doubt_text(env, use, doubt, text=None):
    """Return the sentence about one use of a variable.

    :param use: ``engine.plan.comparisons.Use``
    :param doubt: ``engine.plan.comparisons.Doubt``
    :param text: the variable's value where it is known and may be shown
    """
    values = {
        "name": f"{{{{ {use.name} }}}}",
        "what": env._("the text “%s”", _shortened(text)) if text is not None else env._("a text"),
        "literal": _word_literals(env, use),
        "number": next((repr(item) for item in use.literals if not isinstance(item, str)), ""),
    }
    if doubt is Doubt.READS_FALSE:
        return env._(
            "“%(name)s” stands alone and may be a text that reads like “no” (%(what)s): any text but an empty one is true."
            ' Compare it: %(name)s == "true".',
            **values,
        )
    if doubt is Doubt.NO_ORDER:
        return env._(
            "“%(name)s” is %(what)s and is compared with %(literal)s: they have no order, so the condition fails. Write"
            " int(%(name)s).",
            **values,
        )
    if doubt is Doubt.NO_OPTION:
        return env._(
            "“%(name)s” is compared with %(literal)s, which is none of the variable's options: they are never equal.",
            **values,
        )
    return env._(
        '“%(name)s” is %(what)s and is compared with %(literal)s: they are never equal. Write "%(number)s" in quotes.',
        **values,
    )


def _word_literals(env, use):
    """Return what a variable is compared with, and of which type it is."""
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
