"""What a host's file has at the places of secrets is hidden, whatever its value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tower_engine.masking import hidden_places
from tower_engine.masking.hidden_places import HIDDEN, Template, hide
from tower_engine.masking.masker import Masker
from tower_engine.secret import Secret
from tower_engine.template.placeholders import protect

NONCE = "abc123"
OLD, NEW = "0ld-v4lue-x", "n3w-v4lue-y"
OTHER = "*** t: another value ***"


def hidden(ours, theirs, new=NEW):
    """Return the host's text beside Tower's, in which ``<t>`` is the secret."""
    content = protect(ours.replace("<t>", "#!cxtower.secret.t!#"), NONCE)
    masker = Masker({"t": Secret(new)})
    return hide(Template.of(content, NONCE, Masker({})), theirs, masker)


def test_present_values_of_two_secrets_in_a_line_are_masked_by_their_names():
    secrets = {"t": Secret(NEW), "u": Secret("an0ther-one")}
    content = protect("a #!cxtower.secret.t!# #!cxtower.secret.u!#\n", NONCE)
    shown = hide(Template.of(content, NONCE, Masker({})), f"a {NEW} an0ther-one\n", Masker(secrets))
    assert shown == "a *** t *** *** u ***\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("a=1\npw=<t>\nb=2\n", f"a=1\npw={NEW}\nb=2\n", "a=1\npw=*** t ***\nb=2\n"),
        ("a=1\npw=<t>\nb=2\n", f"a=1\npw={OLD}\nb=2\n", f"a=1\npw={OTHER}\nb=2\n"),
        (
            "a=1\npw='<t>' # it\nb=2\n",
            f"a=0\n\npw='{OLD}' # it\nb=2",
            f"{HIDDEN}\n{HIDDEN}\npw='{OTHER}' # it\n{HIDDEN}",
        ),
        ("a=1\npw=<t>\nb=2\nc=3\n", f"a=1\npw={OLD}\nb=2\nc=4\n", f"a=1\npw={OTHER}\nb=2\nc=4\n"),
        ("pw=<t>\na=1\nb=2\n", f"a=1\nb=2\npw={OLD}\n", f"a=1\nb=2\npw={OTHER}\n"),
        ("pw=<t>\na=1\nb=2\n", f"a=1\nb=2\npassword: {OLD}\n", f"a=1\nb=2\n{HIDDEN}\n"),
        (
            "pw=<t>\na=1\n",
            f"pw={OLD}\na=1\nalso {OLD} here\n",
            f"pw={OTHER}\na=1\nalso *** another value *** here\n",
        ),
        ("url=//<t>:<t>@h\n", f"url=//{OLD}:x@h\n", f"url=//{OTHER}@h\n"),
        ("<t>", OLD, HIDDEN),
        ("<t>\n", f"{OLD}\nsecond line\n", f"{HIDDEN}\n{HIDDEN}\n"),
        ("key=<t>\na=1\n", f"key={OLD}\nand its second line\na=1\n", f"key={OTHER}\n{HIDDEN}\na=1\n"),
        ("pw=<t>\r\na=1\r\n", f"pw={OLD}\r\na=1\r\n", f"pw={OTHER}\r\na=1\r\n"),
        # moved: one line can be told by its words, the other may be any of those that differ
        ("a=1\npw=<t>\n<t>\n", f"pw={OLD}\na=1\n{OLD}\n", f"pw={OTHER}\na=1\n{HIDDEN}\n"),
        ("a=1\n<t>\n", f"{OLD}\na=1\nz=9\n", f"{HIDDEN}\na=1\n{HIDDEN}\n"),
        ("a=1\n", f"pw={OLD}\n", f"pw={OLD}\n"),
        ("pw=<t>\n", "", ""),
    ],
)
def test_what_stands_at_the_place_of_a_secret(ours, theirs, expected):
    assert hidden(ours, theirs) == expected


def test_secrets_that_custom_values_brought_have_places_too():
    carried = Masker({"c": Secret("carried-v4lue")})
    content = protect("x=carried-v4lue\npw=#!cxtower.secret.t!#\ny=carried-v4lue\n", NONCE)
    template = Template.of(content, NONCE, carried)
    assert template.names == ("c", "t", "c")
    masker = Masker((("c", Secret("carried-v4lue")), ("t", Secret(NEW))))
    shown = hide(template, f"x=before\npw={NEW}\ny=carried-v4lue\n", masker)
    assert shown == "x=*** c: another value ***\npw=*** t ***\ny=*** c ***\n"


LINES = st.lists(st.sampled_from(["a=1", "b=2", "", "  pw: <t>", "key=<t> # x", "<t>", "c=3"]), max_size=8)
VALUE = st.text("0123456789-_/", min_size=6, max_size=12).map("Zq{}".format)


@given(
    LINES,
    VALUE,
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a=1", "z=9", "", "[new]"])), max_size=3),
    st.randoms(),
)
def test_a_value_that_was_changed_never_shows(lines, old, inserted, random):
    """Whatever else is different: lines removed, added, moved."""
    ours = "\n".join(lines)
    theirs = [line.replace("<t>", old) for line in lines]
    for place, line in inserted:
        theirs.insert(place, line)
    if theirs and random.random() < 0.5:
        theirs.insert(random.randrange(len(theirs)), theirs.pop(random.randrange(len(theirs))))
    shown = hidden(ours, "\n".join(theirs))
    if "<t>" in ours:
        assert old not in shown
    else:
        assert shown == "\n".join(theirs)


def test_what_is_too_long_to_be_compared_is_hidden():
    assert hidden("pw=<t>\n", "x\n" * hidden_places.LINES_MAX) == HIDDEN
    assert hidden("pw=1\n", "x\n" * hidden_places.LINES_MAX) == "x\n" * hidden_places.LINES_MAX
