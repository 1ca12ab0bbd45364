"""Texts of authors have a budget of time and memory, whatever they contain."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import jinja2
import pytest
from tower_engine.bounded import pool
from tower_engine.errors import ConditionInvalid, OutOfBudget, RenderingError, UndefinedVariable, ValueInvalid
from tower_engine.plan import conditions
from tower_engine.template.rendering import Mode, VariableScope, find_variables, render
from tower_engine.values import modifiers, patterns
from tower_engine.values.rules import ValueRule, ValueRules

ENGINE = Path(pool.__file__).parents[1]
SLOW = "{% set a='a'*9000000 %}{% for i in range(100000) %}{% if 'ab' in a %}{% endif %}{% endfor %}"
SLOW_PATTERN, SLOW_TEXT = "([a-z0-9]+-?)+", "a" * 40 + "!"
ENDLESS = "while True: pass"


@pytest.fixture(autouse=True)
def nothing_was_given_up_before():
    pool._pool._refused.clear()


@contextlib.contextmanager
def everybody_else_goes_on():
    """Fail when other threads of this process stand still meanwhile."""
    gaps, done = [0.0], threading.Event()

    def beat():
        last = time.monotonic()
        while not done.wait(0.01):
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    assert max(gaps) < 1


def values(**rules):
    return VariableScope(
        stored={name: "value" for name in rules},
        modify=ValueRules({name: ValueRule(**rule) for name, rule in rules.items()}),
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: render(SLOW, VariableScope(), where="code of command “x”"),
        lambda: render("{{ a }}", VariableScope(stored={"a": SLOW}), where="code of command “x”"),
        lambda: render("{{ a }}", values(a={"modifier": ENDLESS}), where="code of command “x”"),
        lambda: render(
            "{{ a }}",
            values(a={"pattern": SLOW_PATTERN, "checked": SLOW_TEXT}),
            where="code of command “x”",
        ),
        lambda: render(
            "{{ a }}", values(a={"modifier": "'%999999999d' % 1 + 'x' * 10**11"}), where="code of command “x”"
        ),
        lambda: render("{{ a }}", values(a={"modifier": "9**9**9**9"}), where="code of command “x”"),
        lambda: patterns.fullmatch(SLOW_PATTERN, SLOW_TEXT, "code of command “x”"),
        lambda: patterns.find_problem("(?i)" + "[\x00-\U0010ffff]" * 300, "code of command “x”"),
    ],
)
def test_what_takes_too_long_ends_with_a_clear_error_and_others_go_on(call):
    started = time.monotonic()
    with everybody_else_goes_on(), pytest.raises(RenderingError) as caught:
        call()
    assert time.monotonic() - started < 15  # of a busy machine
    message = str(caught.value)
    assert "ode of command “x”" in message or "variable “a”" in message or "memory" in message
    assert any(word in message for word in ("1 second", "10 seconds", "memory", "too", "emory"))


@pytest.mark.parametrize("name", sorted(jinja2.defaults.DEFAULT_FILTERS))
def test_filters_need_nothing_that_a_child_has_given_up(name):
    for value in ("'a long text of words'", "[1, 2]", "{'a': 1}", "1.5"):
        for arguments in ("", "(2)", "('a')", "(9, 'b')"):
            try:
                render(f"{{% if 1 %}}{{{{ {value}|{name}{arguments} }}}}{{% endif %}}", VariableScope())
            except RenderingError as error:
                assert not re.search("Errno|open file|No module|import", str(error)), error


def test_words_are_wrapped():
    assert render("{% if 1 %}{{ 'two of them'|wordwrap(6) }}{% endif %}", VariableScope()) == "two of\nthem"


def test_a_condition_that_takes_too_long_is_invalid():
    scope = VariableScope(custom={"a": list(range(3000))})
    source = "[1 for x in {{ a }} for y in {{ a }} for z in {{ a }}] == 1"
    with everybody_else_goes_on(), pytest.raises(ConditionInvalid, match="condition of line"):
        conditions.evaluate(source, scope, "condition of line 1")


def test_the_budget_is_one_for_a_text_with_all_values_it_uses():
    rules = {f"v{number}": {"modifier": "[str(i) for i in range(1500000)] and value"} for number in range(40)}
    started = time.process_time()
    with pytest.raises(OutOfBudget, match="1 second of CPU time"):
        render("".join(f"{{{{ {name} }}}}" for name in rules), values(**rules), where="code")
    assert time.process_time() - started < 1


def test_memory_is_limited():
    scope = VariableScope(
        stored={"a": "1"}, modify=ValueRules({"a": ValueRule(modifier="[0] * 10**8 and value")})
    )
    with pytest.raises(RenderingError, match="becomes too large|memory"):
        render("{{ a }}", scope, where="code")
    assert render("{% if 1 %}ok{% endif %}", VariableScope()) == "ok"


def test_results_and_errors_are_those_of_the_process_itself():
    scope = VariableScope(custom={"text": "\ud800é\0\r", "n": 1.5, "d": {1: [None, True]}}, searched="server")
    assert (
        render("{% if 1 %}{{ text }}|{{ n }}|{{ d }}{% endif %}", scope)
        == "\ud800é\0\r|1.5|{1: [None, True]}"
    )
    assert eval(render("{% if 1 %}{{ d }}{% endif %}", scope, Mode.LITERAL)) == {1: [None, True]}
    with pytest.raises(ValueInvalid, match="“value” is wrong"):
        render("{% if 1 %}{{ a }}{% endif %}", values(a={"pattern": "x", "invalid": "“%(text)s” is wrong"}))
    with pytest.raises(RenderingError, match="oh: ZeroDivisionError: division by zero"):
        render("{{ a }}", values(a={"modifier": "1/0", "failed": "oh: %(error)s"}))
    assert render("{{ a }}", values(a={"modifier": "re.sub('[aeiou]', '-', value).upper()"})) == "V-L--"
    assert render("{{ a }}", values(a={"modifier": "result = value[:2]\nresult += '!'"})) == "va!"


@pytest.mark.parametrize(
    "modifier",
    [
        "().__class__.__mro__",
        "'{0.__class__}'.format(value)",
        "re.sub.__globals__",
        "import os",
        "open('/etc/passwd')",
        "getattr(value, 'upper')",
        "eval('1')",
        "[x for x in ()].gi_frame._x",
    ],
)
def test_modifiers_reach_nothing(modifier):
    with pytest.raises(Exception, match="not available|is not defined|not allowed"):
        modifiers.apply(modifier, "x")


@pytest.mark.parametrize(
    ("pattern", "text", "is_quick"),
    [
        ("[a-z][a-z0-9-]*", "a" * 63, True),
        (r"\d{1,3}(\.\d{1,3}){3}", "1.2.3.4", True),
        ("prod|test|dev", "test", True),
        ("(?i)prod", "PROD", False),
        ("([a-z0-9]+-?)+", "a-b", False),
        ("(a*)*b", "aab", False),
        ("(a|aa)+", "a" * 9, False),
        (r"(.)\1", "aa", False),
        (".*a.*b.*c.*d", "abcd" * 20, False),
        ("(?=a)a", "a", False),
    ],
)
def test_patterns_are_matched_here_only_when_that_is_quick(pattern, text, is_quick):
    assert patterns.is_quick(pattern, 63) == is_quick
    assert patterns.fullmatch(pattern, text)
    assert not patterns.fullmatch(pattern, "§")


@pytest.mark.parametrize(
    "pattern", ["a?" * 8 + "a" * 8, "[a-c]*[a-b]*a", "(ab|a)(b|c|d){0,3}x?", "a{0,50}b{0,50}c"]
)
def test_quick_patterns_are_quick_even_when_they_do_not_match(pattern):
    text = "a" * 60 + "!"
    if patterns.is_quick(pattern, len(text)):
        started = time.process_time()
        assert not patterns.fullmatch(pattern, text)
        assert time.process_time() - started < 0.1


def test_broken_patterns_have_a_reason():
    assert patterns.find_problem("(") and patterns.find_problem("(?i)[") and not patterns.find_problem("a+")


def test_where_others_wait_a_text_gets_little_time():
    render("{% if 1 %}{% endif %}", VariableScope())
    started = time.monotonic()
    with pytest.raises(pool.TooSlowHere), pool.impatient(0.1):
        render(SLOW, VariableScope())
    with pytest.raises(pool.TooSlowHere), pool.impatient(0.1):
        conditions.evaluate("{{ a }}", VariableScope(stored={"a": SLOW}), "")
    assert time.monotonic() - started < 15  # of a busy machine
    with pytest.raises(OutOfBudget):
        render(SLOW, VariableScope())


def test_what_was_given_up_is_not_tried_again_at_once():
    with pytest.raises(OutOfBudget):
        patterns.fullmatch(SLOW_PATTERN, SLOW_TEXT + "again")
    with mock.patch.object(pool._pool, "_take", side_effect=AssertionError("it was tried again")):
        with pytest.raises(OutOfBudget, match="of CPU time"):
            patterns.fullmatch(SLOW_PATTERN, SLOW_TEXT + "again")
    assert patterns.fullmatch(SLOW_PATTERN, "another")


def test_many_threads_share_a_few_children():
    results = []

    def work(number):
        results.append(render("{% if 1 %}{{ n }}{% endif %}", VariableScope(custom={"n": number})))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, results)) == list(range(40))
    assert len(_children(os.getpid())) <= pool.CHILDREN_MAX


def test_a_child_of_a_large_process_is_used_again():
    pool.end_idle()
    weight = bytearray(b"x" * 400_000_000)
    render("{% if 1 %}{{ n }}{% endif %}", VariableScope(custom={"n": 1}))
    first = _children(os.getpid())
    render("{% if 1 %}{{ n }}{% endif %}", VariableScope(custom={"n": 2}))
    assert len(weight) and len(first) == 1
    assert _children(os.getpid()) == first


def test_a_child_has_nothing_of_its_parent():
    os.environ["TOWER_TEST_PASSWORD"] = "open sesame"
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    for child in pool._pool._idle:
        child.end()
    pool._pool._idle.clear()
    render("{% if 1 %}{% endif %}", VariableScope())
    (pid,) = _children(os.getpid())
    assert b"sesame" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert {os.readlink(path).partition(":")[0] for path in Path(f"/proc/{pid}/fd").iterdir()} <= {
        "pipe",
        "/dev/null",
    }
    assert os.fstat(writer).st_ino not in {os.stat(path).st_ino for path in Path(f"/proc/{pid}/fd").iterdir()}
    limits = Path(f"/proc/{pid}/limits").read_text()
    for name in ("Max open files", "Max processes", "Max core file size", "Max file size"):
        assert f"{name} 0 0" in " ".join(limits.split()), limits


def test_a_child_that_is_gone_is_replaced():
    render("{% if 1 %}{% endif %}", VariableScope())
    for pid in _children(os.getpid()):
        os.kill(pid, signal.SIGKILL)
    results = []
    for _attempt in range(pool.CHILDREN_MAX + 1):
        with contextlib.suppress(OutOfBudget):
            results.append(render("{% if 1 %}ok{% endif %}", VariableScope()))
    assert results == ["ok"] * (pool.CHILDREN_MAX + 1)


PARENT = """
import sys, threading, time
sys.path.insert(0, {tests!r})
import conftest
from tower_engine.template.rendering import VariableScope, render
render("{{% if 1 %}}{{% endif %}}", VariableScope())
threading.Thread(target=render, args=({slow!r}, VariableScope()), daemon=True).start()
time.sleep(0.3)
print("at work", flush=True)
time.sleep(60)
"""


def test_no_child_outlives_a_process_that_is_killed():
    source = PARENT.format(tests=str(Path(__file__).parent), slow=SLOW)
    parent = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"at work\n"
    children = _children(parent.pid)
    assert children
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 15
    while any(_is_child_program(pid) for pid in children):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_forked_process_has_a_pool_of_its_own():
    render("{% if 1 %}{% endif %}", VariableScope())
    reader, writer = os.pipe()
    forked = os.fork()
    if not forked:
        text = render(
            "{% if 1 %}{{ n }}{% endif %}", VariableScope(custom={"n": len(_children(os.getpid()))})
        )
        os.write(writer, f"{text} {len(_children(os.getpid()))}".encode())
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 100) == b"0 1"
    os.waitpid(forked, 0)
    os.close(reader)
    assert render("{% if 1 %}ok{% endif %}", VariableScope()) == "ok"


def test_reading_a_template_has_a_budget_too():
    source = "{{ " + "(" * 90 + "a" + ")" * 90 + " }}" + "{% if a %}" * 20
    with pytest.raises(RenderingError):
        find_variables(source, "code")


def _children(pid):
    # One reading of /proc may leave a process out while others begin and end.
    pids = {int(name) for _reading in range(3) for name in os.listdir("/proc") if name.isdigit()}
    return sorted(found for found in pids if _parent_of(found) == pid and _is_child_program(found))


def _parent_of(pid):
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _is_child_program(pid):
    with contextlib.suppress(OSError):
        return str(ENGINE / "bounded" / "child.py").encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_a_template_that_does_more_than_print_is_rendered_in_a_child(monkeypatch):
    monkeypatch.setattr(pool, "run", lambda *_arguments, what: f"{what}, in a child")
    assert render("{% if 1 %}x{% endif %}", VariableScope(), where="code") == "code, in a child"


def test_an_error_of_a_child_says_which_variable_it_is_about():
    with pytest.raises(UndefinedVariable) as caught:
        render("{% if 1 %}{{ missing }}{% endif %}", VariableScope())
    assert caught.value.variable == "missing"
