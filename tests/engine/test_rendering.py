"""Rendering: values, unset ones, cycles, literals, and templates that mean harm."""

import ast
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.errors import RenderingError, UndefinedVariable, VariableCycle
from tower_engine.secret import Secret
from tower_engine.template import placeholders
from tower_engine.template.rendering import Mode, UndefinedPolicy, VariableScope, find_variables, render

ANY_TEXT = st.text(st.characters(), max_size=20) | st.text("'\"\\{}%#\n\r\0#17N", max_size=12)
SYSTEM = {"tower": {"server": {"name": "web 1", "note": None, "ports": [80, 443]}, "jet": None}}


def scope(custom=None, modify=None, **stored):
    return VariableScope(
        stored=stored, custom=custom or {}, system=SYSTEM, modify=modify, searched="jet, server, global"
    )


def shell(source, custom=None, **stored):
    return render(source, scope(custom, **stored), Mode.SHELL, where="code of command “x”")


def literal(source, custom=None, undefined=UndefinedPolicy.ERROR, **stored):
    return render(source, scope(custom, **stored), Mode.LITERAL, undefined, where="code of command “x”")


# Values


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("plain\n", "plain\n"),
        ("{% raw %}{{ x }}{% endraw %}{# gone #}!", "{{ x }}!"),
        ("{{ a }}", "it's $x"),
        ("[{{ empty }}]", "[]"),
        ("{{ tower.server.name }} {{ tower.server.ports[0] }}", "web 1 80"),
        ("{% if a %}\nyes\n{% endif %}\nend\n", "yes\nend\n"),
        ("a\r\n{% if a %}\r\nb\r\n{% endif %}\r\nc\r\n", "a\r\nb\r\nc\r\n"),
        ("{{ a|upper }}", "IT'S $X"),
        ("{{ number + 1 }} {{ flag }} {{ data.key }} {{ data['items'] }}", "6 True v 7"),
        ("{% for port in tower.server.ports %}{{ loop.index }}:{{ port }} {% endfor %}", "1:80 2:443 "),
        ("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(a) }}", "<it's $x>"),
        ("{% set y = a ~ '!' %}{{ y }}", "it's $x!"),
        (
            "{{ a.split(' ')|join(',') }} {{ '%03d'|format(number) }} {{ '{:>3}'.format(number) }}",
            "it's,$x 005   5",
        ),
        ("{{ range }}", "mine"),
    ],
)
def test_shell_mode(source, expected):
    custom = {"number": 5, "flag": True, "data": {"key": "v", "items": 7}}
    assert shell(source, custom, a="it's $x", empty="", range="mine") == expected


@given(ANY_TEXT)
def test_custom_values_are_verbatim_in_shell_mode(value):
    assert shell("<{{ x }}>", {"x": value}) == f"<{value}>"


def test_stored_values_use_others_and_are_rendered_once():
    calls = []

    def modify(reference, text):
        calls.append(reference)
        return text.upper()

    values = scope({"_c": "{{ a }}"}, modify, a="<{{ b }}{{ b }}>", b="{{ _c }}x")
    assert render("{{ a }} {{ b }} {{ a }}", values) == "<{{ A }}X{{ A }}X> {{ A }}X <{{ A }}X{{ A }}X>"
    assert calls == ["b", "a"]


def test_custom_wins_over_stored_and_system_wins_over_both():
    assert (
        shell("{{ a }} {{ tower.server.name }}", {"a": 1, "tower": "x"}, a="stored", tower="y") == "1 web 1"
    )


def test_values_that_are_not_used_are_not_rendered():
    assert shell("{% if false %}{{ broken }}{% endif %}ok", broken="{{ (") == "ok"


# Unset


@pytest.mark.parametrize(
    "source",
    [
        "{{ x }}",
        "a\n{{ x ~ 'b' }}",
        "{{ x + 1 }}",
        "{{ 'a' + x }}",
        "{{ -x }}",
        "{{ x|upper }}",
        "{{ x|length }}",
        "{{ x|int }}",
        "{{ x|list }}",
        "{{ [x]|join }}",
        "{{ [x] }}",
        "{{ {'a': x} }}",
        "{% for i in x %}{% endfor %}",
        "{{ 'a' in x }}",
        "{{ x < 1 }}",
        "{{ x() }}",
        "{{ '%s' % x }}",
        "{{ '{}'.format(x) }}",
        "{{ x|tojson }}",
        "{{ x|string }}",
        "{% set y = x %}{{ y }}",
        "{{ nested }}",
    ],
)
@pytest.mark.parametrize("values", [{}, {"x": None}])
@pytest.mark.parametrize("render_in_mode", [shell, literal])
def test_using_an_unset_variable_is_an_error(source, values, render_in_mode):
    with pytest.raises(RenderingError) as caught:
        render_in_mode(source, nested="{{ x }}", **values)
    if "tojson" not in source:
        assert isinstance(caught.value, UndefinedVariable) and caught.value.variable == "x"
        for part in (
            "“x”",
            "code of command “x”",
            "line " + str(source.count("\n") + 1),
            "jet, server, global",
        ):
            assert part in str(caught.value) or source == "{{ [x] }}" or source == "{{ {'a': x} }}"


@pytest.mark.parametrize(
    "path", ["tower.server.note", "tower.server.nothing", "tower.jet.name", "tower.nothing", "tower.jet"]
)
def test_unset_system_values_have_dotted_names(path):
    for render_in_mode in (shell, literal):
        with pytest.raises(UndefinedVariable) as caught:
            render_in_mode("{{ " + path + " }}")
        assert caught.value.variable == path
        assert render_in_mode("{% if " + path + " %}yes{% endif %}") == ""


def test_testing_an_unset_variable():
    source = "{% if x %}1{% endif %}{% if x is defined %}2{% endif %}{% if not x %}3{% endif %}{% if x == 'a' %}4{% endif %}"
    assert (
        shell(source + "{% if x is none %}5{% endif %}{{ x|default('6') }}{{ x.y|d('7') }}", x=None) == "3567"
    )


def test_none_in_custom_values():
    assert literal("{{ x }} {{ d }} {{ d.k }}", {"x": None, "d": {"k": None}}) == "None {'k': None} None"
    for source in ("{{ x }}", "{{ d.k }}", "{{ none }}"):
        with pytest.raises(UndefinedVariable):
            shell(source, {"x": None, "d": {"k": None}})
    assert shell("{{ x|default('y') }}", {"x": None}, x="stored") == "y"


def test_policy_of_conditions():
    condition = "{{ x }} == None and {{ a }} == 'v' and '{{ x }}' == ''"
    assert eval(literal(condition, undefined=UndefinedPolicy.NONE, a="v"))
    with pytest.raises(UndefinedVariable):
        literal(condition, a="v")


def test_a_modifier_can_unset_and_its_failure_is_named():
    with pytest.raises(UndefinedVariable):
        render("{{ a }}", scope(None, lambda reference, text: None, a="1"))
    with pytest.raises(RenderingError, match="“a”.*by zero"):
        render("{{ a }}", scope(None, lambda reference, text: str(1 / 0), a="1"))


# Cycles and depth


def test_cycles_have_their_path():
    with pytest.raises(VariableCycle) as caught:
        shell("{{ start }}", start="{{ a }}", a="{{ b }}", b="-{{ c }}-", c="{{ a }}")
    assert caught.value.path == ("a", "b", "c", "a")
    assert "a -> b -> c -> a" in str(caught.value)


def test_depth_is_limited_with_a_clear_error():
    chain = {f"v{i}": f"{{{{ v{i + 1} }}}}" for i in range(2000)}
    with pytest.raises(RenderingError, match="levels deep"):
        shell("{{ v0 }}", **chain)
    assert shell("{{ v1980 }}", **chain, v2000="end") == "end"


# Literals


@given(ANY_TEXT)
def test_literal_mode_round_trips_any_text(value):
    assert ast.literal_eval(literal("{{ x }}", {"x": value}).strip()) == value
    if "{{" not in value and "{%" not in value and "{#" not in value:
        assert ast.literal_eval(literal("{{ x }}", x=value).strip()) == value


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
@pytest.mark.parametrize("prefix", ["", "r", "f", "rf", "u"])
def test_literal_mode_inside_quotes(prefix, quote):
    @given(ANY_TEXT)
    def check(value):
        code = literal(f"{prefix}{quote}a {{{{ x }}}} b{quote}", {"x": value})
        assert eval(code) == f"a {value} b"

    check()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ n }}, {{ f }}, {{ b }}, {{ l }}, {{ d }}", (5, 0.5, True, [1, None], {"k": ["v"]})),
        ("{{ n + 1 }} * 2", 12),
        ("{% if b %}{{ d.k }}{% endif %}", ["v"]),
        ("[{% for x in l %}{{ x }},{% endfor %}]", [1, None]),
        ("{% macro call(x) %}str({{ x }}){% endmacro %}{{ call(n) }}", "5"),
        ("{% macro one() %}1{% endmacro %}{{ one() }}", 1),
        ("{{ s }} # {{ s }}", "a'\nb"),
        ("{{ s ~ s }}", "a'\nba'\nb"),
        ("{% set t %}<{{ s }}>{% endset %}[{{ t }}, '{{ t }}']", ["<a'\nb>", "<a'\nb>"]),
        ("{% set t %}x{% endset %}{{ t }}", "x"),
        ("{{ s|upper }}", "A'\nB"),
    ],
)
def test_literal_mode_types(source, expected):
    custom = {"n": 5, "f": 0.5, "b": True, "l": [1, None], "d": {"k": ["v"]}, "s": "a'\nb"}
    assert eval(literal(source, custom)) == expected


def test_secrets_pass_through_rendering():
    nonce = "ab12"
    mark = placeholders.protect("#!cxtower.secret.pw!#", nonce)
    typed = "#!cxtower.secret.pw!#"
    code = literal("[{{ v }}, '{{ v }}', {{ typed }}, " + mark + "]", {"typed": typed}, v=f"<{mark}>")
    code = placeholders.resolve_in_python(code, nonce, {"pw": Secret("'\"")})
    assert eval(code) == ["<'\">", "<'\">", typed, "'\""]


# Malformed and hostile


@pytest.mark.parametrize(
    "source", ["{{ x", "ok\n{% if %}", "{% endfor %}", "{{ 'a }}", "{{ a b }}", "{{ x|nofilter }}"]
)
def test_malformed_templates_name_the_line(source):
    for call in (shell, literal, find_variables):
        with pytest.raises(RenderingError, match="line") as caught:
            call(source)
        assert f"line {source.count(chr(10)) + 1}" in str(caught.value)


HOSTILE = r"""
{{ ''.__class__.__mro__ }}
{{ ''|attr('__class__') }}
{{ ''['__class__'] }}
{{ '{0.__class__}'.format(1) }}
{{ '%s'.__mod__ }}
{{ x.__init__.__globals__ }}
{{ self.__init__ }}
{{ self._TemplateReference__context }}
{{ cycler.__init__.__globals__.os }}
{{ lipsum.__globals__ }}
{{ namespace.__init__ }}
{{ d.update({'a': 1}) }}
{{ l.append(1) }}
{{ 'a' * 10**12 }}
{{ 10**12 * 'a' }}
{{ [0] * 10**12 }}
{{ 'a' * 9999999 ~ 'b' * 9999999 }}
{{ 9**(9**9) }}
{{ 2**100000 }}
{{ (2**8000) * (2**8000) }}
{{ 1.5**100000 }}
{{ '%1000000000d' % 1 }}
{{ '%.1000000000f' % 1 }}
{{ '%*d' % (1000000000, 1) }}
{{ '%1000000000d'|format(1) }}
{{ '{:1000000000}'.format(1) }}
{{ '{:{}}'.format(1, 1000000000) }}
{{ ('{0}' * 100000).format('a' * 100000) }}
{{ ('%(a)s' * 100000) % {'a': 'a' * 100000} }}
{{ 'a'.center(10**9) }}
{{ 'a'.zfill(10**9) }}
{{ 'a'.ljust(width=10**9) }}
{{ 'a'.expandtabs(10**9) }}
{{ 'a'|center(10**9) }}
{{ 'a'|center(width=10**9) }}
{{ 'a'|indent(10**9, true) }}
{{ ('a\n' * 100000)|indent(9999) }}
{{ ('a\n' * 100000)|indent('a' * 99999) }}
{{ ('a' * 100000).replace('a', 'b' * 100000) }}
{{ ('a' * 100000)|replace('a', 'b' * 100000) }}
{{ ('a' * 100000)|replace('', 'b' * 100000) }}
{{ ('b' * 100000).join('a' * 100000) }}
{{ range(100000)|join('b' * 100000) }}
{{ range(100000)|map('center', 10000)|list }}
{{ range(100000)|map('string')|map('center', 10000)|join|length }}
{{ range(10**9) }}{% for i in range(10**9) %}{% endfor %}
{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}
{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}
{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}
{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}{{ n.x }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = (n.x, n.x) %}{% endfor %}{{ n.x|string }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}{{ n.x|tojson }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = dict(a=n.x, b=n.x) %}{% endfor %}{{ n.x ~ '' }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x]|batch(3, n.x)|list %}{% endfor %}{{ n.x }}
{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x == n.x }}
{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}
{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}
{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% else %}aaaaaaaa{% endif %}{% endmacro %}{{ m(24) }}
{% for i in [[[]]] recursive %}{{ loop([[]]) }}{% endfor %}
{% for i in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}
{% block a %}{{ self.a() }}{% endblock %}
{% include 'x' %}
{% import 'x' as y %}
{% extends 'x' %}
{{ range.__call__ }}
{{ [1]|batch(10**9, 0)|list }}
{{ [1]|slice(10**9)|list }}
{{ 'a'|tojson(10**9) }}{{ d|tojson(10**9) }}
{{ 1|round(10**9, 'ceil') }}
{{ 1 / 0 }}
{{ 'a' + 1 }}
{{ cycler }}{{ cycler('a').next }}
{{ (1).to_bytes(10**9, 'big') }}
{{ 'a'.encode() }}
{{ 'a'.translate({97: 'b' * 100000}) }}
{{ d.fromkeys(range(100000)) }}
{{ 1e999|int }}
{{ 'x'.format_map(d) }}
{{ ('%s' * 2)|format(1) }}
{{ caller() }}
{{ loop }}{{ varargs[0]() }}
{{ 1|nosuch }}
{{ 1 is nosuch }}
"""
HOSTILE_TEMPLATES = [
    line.replace("\\n", "\n") if "\\n" in line else line for line in HOSTILE.strip().splitlines()
]
HOSTILE_TEMPLATES += [
    "(" * 5000,
    "{{ " + "(" * 5000,
    "{{ " + "[" * 300 + "]" * 300 + " }}",
    "{{ " + "not " * 20000 + "x }}",
]
HOSTILE_TEMPLATES += [
    "{% if x %}" * 3000,
    "{{ 1" + "+1" * 20000 + " }}",
    "{{ x" + ".y" * 20000 + " }}",
    "{{ " + "9" * 5000 + " }}",
]


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("source", HOSTILE_TEMPLATES, ids=lambda source: source[:50])
def test_hostile_templates(source, mode):
    started = time.perf_counter()
    values = scope({"d": {"k": "v"}, "l": [1], "x": "text"})
    try:
        result = render(source, values, mode, where="code")
    except RenderingError as error:
        assert "code" in str(error) and len(str(error)) < 600
    else:
        assert len(result) < 10_000_000
        assert source in ("(" * 5000,) or "[[[" in source or "+1" in source or "==" in source, result[:200]
    assert time.perf_counter() - started < 8


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "source", ["{{ a }}" * 50, "{{ a ~ '' }}" * 50, "{% macro m() %}{{ a }}{% endmacro %}{{ m() * 50 }}"]
)
def test_large_values_do_not_add_up(source, mode):
    with pytest.raises(RenderingError):
        render(source, scope(a="y" * 5_000_000), mode, where="code")


@pytest.mark.parametrize("mode", Mode)
def test_printing_a_large_value_often_ends_soon(mode):
    started = time.perf_counter()
    with pytest.raises(RenderingError):
        render("{% for i in range(60000) %}{{ a }}{% endfor %}", scope({"a": "y" * 900_000}), mode)
    assert time.perf_counter() - started < 2


def test_a_hostile_value_is_only_text():
    value = "{{ 7 * 7 }}{% for i in range(9) %}x{% endfor %}{{ ''.__class__ }}"
    assert shell("{{ x }}", {"x": value}) == value
    assert shell("{{ x }}", {"y": value}, x="{{ y }}") == value


@given(
    st.lists(
        st.sampled_from(
            "{{ }} {% %} {# #} ' \" | . ( ) [ ] x if for in endif endfor 1 ~ + * % range(9) \n {{x}} \\".split(
                " "
            )
        ),
        max_size=12,
    )
)
def test_garbage_is_rendered_or_refused(pieces):
    for mode in Mode:
        try:
            render("".join(pieces), scope({"x": "v'"}), mode)
        except RenderingError:
            pass


# Names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("plain", set()),
        ("{{ a }}{% if b|default(c) %}{% endif %}{{ tower.server.name }}", {"a", "b", "c", "tower"}),
        ("{% set a = b %}{{ a }}{% for i in l %}{{ i }}{% endfor %}", {"b", "l"}),
        ("{% raw %}{{ a }}{% endraw %}{# {{ b }} #}", set()),
    ],
)
def test_find_variables(source, names):
    assert find_variables(source) == names


@given(
    st.lists(
        st.sampled_from(
            [
                "{{ a }}",
                "{{u}}",
                "{{ tower.server.name }}",
                "{{ tower.jet.name }}",
                "{{ d.k }}",
                "{{ d.items }}",
            ]
        )
        | st.sampled_from(
            [
                "{{ b }}",
                "{{ none }}",
                "{{ d.keys }}",
                "{{ range }}",
                "{{ x.__class__ }}",
                "{{ true }}",
                "{{ s.upper }}",
            ]
        )
        | st.sampled_from(["{", "}", "{{", "}}", "'", '"', "\n", "\r\n", "text ", "f", "# "]),
        max_size=6,
    ),
    st.sampled_from(Mode),
    st.sampled_from(UndefinedPolicy),
)
def test_the_short_way_for_plain_variables_equals_jinja(pieces, mode, undefined):
    values = scope({"s": "it's", "d": {"k": None, "items": 5}}, a="<{{ b }}>", b="x\ny", u=None)

    def outcome(source):
        try:
            return render(source, values, mode, undefined, "code")
        except RenderingError as error:
            return type(error), getattr(error, "variable", None)

    # The comment sends the text through Jinja. It comes first, so that it does not close a "{# " of the pieces.
    text = "".join(pieces) + " "
    assert outcome("x" + text) == outcome("x{# through Jinja #}" + text)


def test_two_thousand_values_are_fast():
    values = {f"v{i}": f"{{{{ v{i + 1} }}}}" if i % 10 else f"value {i}" for i in range(2000)} | {
        "v2000": "end"
    }
    source = "\n".join(f"{{{{ v{i} }}}}" for i in range(2000))
    started = time.perf_counter()
    assert shell(source, **values).count("value") == 1991
    assert time.perf_counter() - started < 5


def test_the_code_of_a_template_is_shared_and_nothing_else_is():
    """Its code is made once; values, modes, marks of literals and limits are those of each rendering."""
    source = '{% if a %}{{ "it\'s" }} {{ a }}{% endif %}'
    for value in ("x", "y'"):
        scope = VariableScope(stored={"a": value})
        assert render(source, scope) == f"it's {value}"
        assert render(source, scope, Mode.LITERAL) == f'"it\'s" {value!r}'
    assert render(source, VariableScope()) == ""
    with pytest.raises(RenderingError):
        render("{% for i in range(100000) %}{% for j in range(9) %}{% endfor %}{% endfor %}", VariableScope())
    assert render("{% for i in range(2) %}{{ i }}{% endfor %}", VariableScope()) == "01"


def test_a_filter_on_code_with_values_in_it_is_refused():
    source = "{% filter upper %}x = {{ a }}{% endfilter %}"
    with pytest.raises(RenderingError, match="filter is used on code"):
        render(source, VariableScope(stored={"a": "v"}), Mode.LITERAL)
