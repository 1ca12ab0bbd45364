"""What is a tag of a template and what only looks like one, and which lines vanish."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import RenderingError
from tower_engine.plan import advice
from tower_engine.python import effects as python_effects
from tower_engine.template import tags
from tower_engine.template.renaming import rename_variable
from tower_engine.template.rendering import Mode, VariableScope, find_variables, render

SCOPE = VariableScope(stored={"v": "1", "n": ""}, custom={"items": ["a", "b"]})


@pytest.mark.parametrize("text", ["", "ls -l", "${#name}", "a { b }", "50 %"])
def test_plain_text_has_no_tags(text):
    assert not tags.has_tags(text)


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "text",
    [
        "x=abc\necho ${#x}\necho middle\ny='#}'; echo $y\n",
        "echo ${#PATH}",
        "echo ${#a[@]} ${#b} # {x#}",
        "echo ${#-} ${# } #}",
        "awk '{#no comment of Tower\n print }'",
        "{# never closed\nls\n",
        "svelte {#if x}",
        "${#{# x",
    ],
)
def test_what_is_no_comment_arrives_unchanged(text, mode):
    assert render(text, SCOPE, mode) == text
    mixed = f"{text}\n{{{{ v }}}}"
    assert render(mixed, SCOPE) == f"{text}\n1"
    assert render(f"{text}\n{{% if v %}}{text}{{% endif %}}", SCOPE) == f"{text}\n{text}"
    assert find_variables(mixed) == {"v"}


@pytest.mark.parametrize(
    "source",
    [
        "{# {{ v }} #}",
        "{#- {{ v }} -#}",
        "{# #}",
        "{#\n {{ v }}\n more\n#}\n",
        "  {# of several\r\n lines #}\n",
    ],
)
def test_comments_are_left_out(source):
    assert "".join(render(f"a\n{source}\nb", SCOPE).split()) == "ab"
    assert find_variables(source) == set()
    assert rename_variable(f"{source}{{{{ v }}}}", "v", "w") == f"{source}{{{{ w }}}}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ls\nperl -pe 's{#}{##}g'", 2),
        ("{#comment#}", 1),
        ("a\nb {# begins here\nand ends here #}", 2),
        ("{# two\nlines #} and text", 1),
        ("{##}", 1),
    ],
)
def test_what_may_be_a_comment_or_not_is_refused_with_its_line(text, line):
    for call in (lambda: render(text, SCOPE), lambda: find_variables(text, "code")):
        with pytest.raises(RenderingError, match=f"line {line}, column .*raw") as caught:
            call()
        assert "{# like this #}" in str(caught.value)
    wrapped = f"{{% raw %}}{text}{{% endraw %}}"
    assert render(wrapped, SCOPE) == text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("docker ps --format '{{.Names}}'", "line 1, column 21"),
        ("ls\ndate +{%Y}", "line 2, column 7"),
        ("echo {{a,b},c}", "line 1, column 6"),
        ("a {{ v }}\nb {% if %}", "line 2, column 3"),
    ],
)
def test_braces_of_others_are_refused_with_place_and_remedy(text, place):
    with pytest.raises(RenderingError, match=place) as caught:
        render(text, SCOPE)
    assert "{% raw %} and {% endraw %}" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("A {% if v %}yes{% endif %}\nnext\n", "A yes\nnext\n"),
        ("A {% if n %}yes{% endif %}\nnext\n", "A \nnext\n"),
        ("{{ v }}\nnext\n", "1\nnext\n"),
        ("{% if v %}{{ v }}{% endif %}\nnext\n", "1\nnext\n"),
        ("{% for i in items %}\n  - {{ i }}\n{% endfor %}\nend\n", "  - a\n  - b\nend\n"),
        ("  {% if v %}  \n  yes\n\t{% endif %}\t\nend\n", "  yes\nend\n"),
        ("{% if v %} {% endif %}\nnext", " next"[1:]),
        ("{# note #}\nnext\n", "next\n"),
        ("a {# note #}\nnext\n", "a \nnext\n"),
        ("{% raw %}\n{{ x }}\n{% endraw %}\nend\n", "{{ x }}\nend\n"),
        ("{% if v and\n   v %}\nyes\n{% endif\n%}\nend\n", "yes\nend\n"),
        ("a\r\n  {% if v %}\r\nb\r\n{% endif %} \r\nc {% if v %}d{% endif %}\r\ne", "a\r\nb\r\nc d\r\ne"),
        ("a\n{%- if v %}\nb\n{%- endif %}\nc", "ab\nc".replace("\nc", "c")),
        ("{% if v +%}\nyes{% endif %}", "\nyes"),
        ("{% set x = '%}' %}\n{{ x }}\n", "%}\n"),
        ("{% set x = {'a': {'b': 1}} %}\n{{ {'a': {'b': 1}}['a']['b'] }}\n", "1\n"),
    ],
)
def test_only_lines_of_nothing_but_tags_vanish(source, expected):
    assert render(source, SCOPE) == expected


def test_vanishing_lines_do_not_move_the_lines_of_errors():
    source = "{% if v %}\n  {# note #}\n{% endif %}\n{% raw %}\n{{ x }}\n{% endraw %}\n\n{{ nothing ~ '' }}"
    with pytest.raises(RenderingError, match="line 8"):
        render(source, SCOPE)


@given(st.text("{}%#$-+ \n\r'\"\\ab", max_size=30))
def test_pieces_cover_the_source_and_text_without_tags_is_kept(source):
    pieces = tags.split(source)
    assert "".join(source[piece.start : piece.end] for piece in pieces) == source
    try:
        rendered = render(source, SCOPE)
    except RenderingError:
        return
    if all(piece.kind is tags.Kind.TEXT for piece in pieces):
        assert rendered == source


@given(st.text("ab \n\r\t", max_size=15), st.text("ab \n\r\t", max_size=15))
def test_text_around_tags_in_its_line_is_kept(before, after):
    source = f"{before}x{{% if v %}}y{{% endif %}}{after}"
    assert render(source, SCOPE) == f"{before}xy{after}"


@pytest.mark.parametrize(
    "source",
    ["{# " * 200_000, "{{ '" * 200_000, "{{ " + r"'\'" * 200_000, "{%" * 200_000, "{# \n#} " * 100_000],
)
def test_reading_takes_time_in_proportion_to_the_text(source):
    started = time.process_time()
    tags.split(source)
    assert time.process_time() - started < 3


def test_advice_and_effects_see_the_same_tags():
    assert advice.advise("echo ${#x}; ls; # {#}") == advice.advise("echo ${#x}; ls")
    code = "custom_values['_a'] = '${#'\ncustom_values['_b'] = '#}'"
    assert python_effects.effects_of(code).names >= {"_a", "_b"}
