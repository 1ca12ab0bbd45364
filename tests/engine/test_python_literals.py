"""Values in Python code: literals, and the inside of every kind of string literal."""

import ast
import math
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tower_engine.errors import RenderingError
from tower_engine.python.literals import fill, to_literal
from tower_engine.secret import Secret
from tower_engine.template import placeholders

MARK = "\ue000"
ANY_TEXT = st.text(st.characters(), max_size=20) | st.text("'\"\\{}\n\r\0#17N%\u2028é", max_size=12)
PLAIN_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.text(
    "'\"\\{}\n\r\0#17N%\u2028é", max_size=12
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def put(code, *values):
    return fill(code, MARK, values, comment=repr)


@given(JSON)
@example(-(10**400))
@example(float("-inf"))
def test_literals_round_trip(value):
    assert eval(to_literal(value)) == value
    assert eval(put(f"[{MARK}]", value)) == [value]


@given(ANY_TEXT)
def test_bare_text_is_a_literal_for_literal_eval(value):
    assert ast.literal_eval(put(MARK, value).strip()) == value


def test_types_stay():
    assert put(f"{MARK}, {MARK}, {MARK}, {MARK}", True, None, 5, 1.5) == "True, None, 5, 1.5"
    assert math.isnan(eval(put(MARK, float("nan"))))
    assert eval(put(f"{MARK} ** 2", -3)) == 9
    assert eval(put(f"{MARK}.bit_length()", 5)) == 3
    assert eval(put(f"{MARK}.upper()", "é")) == "É"


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
@pytest.mark.parametrize("prefix", ["", "u", "r", "R", "f", "F", "rf", "fR"])
def test_inside_string_literals(quote, prefix):
    @given(ANY_TEXT)
    @example("\\")
    @example("7\\")
    def check(value):
        code = f"{prefix}{quote}a{MARK}b\\\\{MARK}{MARK} {quote}"
        middle = "\\\\" if "r" in prefix.lower() else "\\"
        assert eval(put(code, value, value, value)) == f"a{value}b{middle}{value}{value} "

    check()


@pytest.mark.parametrize("quote", ["'", '"', "'''", '"""'])
@pytest.mark.parametrize("prefix", ["b", "B", "rb", "bR"])
def test_inside_bytes(quote, prefix):
    @given(PLAIN_TEXT)
    def check(value):
        assert (
            eval(put(f"{prefix}{quote}a{MARK}b{MARK}{quote}", value, value)) == f"a{value}b{value}".encode()
        )

    check()


@given(ANY_TEXT)
@example("'\"\\")
def test_inside_the_braces_of_an_f_string(value):
    assert eval(put(f"f'<{{{MARK}}}>'", value)) == f"<{value}>"
    assert eval(put(f'f"<{{len({MARK})!r}}>"', value)) == f"<{len(value)}>"
    assert eval(put(f'f"<{{dict(a={MARK})}}>"', {"x": value})) == f"<{dict(a={'x': value})}>"
    assert eval(put(f'f"""<{{5:{MARK}}}>"""', "4d")) == "<   5>"


@pytest.mark.parametrize(
    ("code", "values", "expected"),
    [
        (f"'\\{MARK}'", ["n"], "\\n"),
        (f"f'\\{MARK}'", ["n"], "\\n"),
        (f"r'\\{MARK}'", ["n"], "\\n"),
        (f"r'C:\\{MARK}'", ["\\x"], "C:\\\\x"),
        (f"'\\1{MARK}'", ["2"], "\x012"),
        (f"'\\\\1{MARK}'", ["2"], "\\12"),
        (f"f'{{{{{MARK}}}}}'", ["x"], "{x}"),
        (f"'x' {MARK}", ["y"], "xy"),
        (f"''{MARK}", ["y"], "y"),
        (f"{MARK}'z'", ["y"], "yz"),
        (f"{MARK}{MARK}", ["y", "z"], "yz"),
        (f"'#{MARK}'", ["y"], "#y"),
        (f"'a' # {MARK}", ["\ny"], "a"),
        (f"'''\n# {MARK}\n'''", ["'''"], "\n# '''\n"),
        (f"'\\'{MARK}'", ["'"], "''"),
        (f"'\\N{{BULLET}}{MARK}'", ["x"], "•x"),
        (f"f'\\N{{BULLET}}{MARK}'", ["{"], "•{"),
        (f"'{MARK}'", [None], ""),
        (f"'{MARK}'", [True], "True"),
        (f"5 if True else{MARK}", ["x"], 5),
    ],
)
def test_corners(code, values, expected):
    assert eval(put(code, *values)) == expected


@pytest.mark.parametrize("code", [f"f{MARK}", f"x{MARK}", f"{MARK}x"])
def test_a_literal_never_joins_a_name(code):
    with pytest.raises(SyntaxError):
        ast.parse(put(code, "abc{1}"))


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 and later can escape there")
def test_string_inside_braces_refuses_what_old_python_cannot_write():
    assert eval(put(f"f\"{{dict(a=1)['{MARK}']}}\"", "a")) == "1"
    with pytest.raises(RenderingError):
        put(f"f\"{{dict(a=1)['{MARK}']}}\"", "it's")


@given(
    st.lists(
        st.sampled_from(
            ["'", '"', "'''", "r'", "b'", "f'", "{", "}", ":", "#", "\\", "\n", MARK, " ", "x", "1", "(", ")"]
        ),
        max_size=12,
    )
)
def test_no_place_lets_a_value_run(pieces):
    """Whatever the code around it: if it compiles, the value is nowhere but in constants."""
    code = "".join(pieces)
    attack = "'+evil()+'\"+evil()+\"\nevil()\n'''+evil()+'''\"\"\"{evil()}\\"
    try:
        result = put(code, *[attack] * code.count(MARK))
        tree = ast.parse(result)
    except (RenderingError, SyntaxError, ValueError):
        return
    assert not any(isinstance(node, ast.Name) and node.id == "evil" for node in ast.walk(tree))


NONCE = "00ff00ff"


@given(ANY_TEXT)
def test_secrets_in_python(value):
    mark = "#!cxtower.secret.pw!#"
    code = placeholders.protect(f"result = [{mark}, 'a{mark}', r'b{mark}', f'c{mark}'] # {mark}", NONCE)
    code = placeholders.resolve_in_python(code, NONCE, {"pw": Secret(value)})
    scope = {}
    exec(code, scope)
    assert scope["result"] == [value, "a" + value, "b" + value, "c" + value]
    assert code.endswith("# ***")
