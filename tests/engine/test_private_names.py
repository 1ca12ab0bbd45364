"""The private names that the engine uses of its libraries: all of them, each with its reason.

A release of a library may change such a name without notice. That is why these libraries have upper bounds in
``requirements.txt`` and in the manifest, and why the bounds are raised only after ``setup/test --dependencies highest``.
"""

import ast
import importlib
import inspect
import pkgutil
import textwrap

import paramiko
import pytest
import tower_engine

LIBRARIES = {"paramiko", "jinja2", "simpleeval"}

_QUEUE = "data of both streams go into one queue, in order of arrival"
_WAKE = "whatever happens to a channel wakes the thread that waits for it"
_SESSIONS = "the sessions that the host has open on a connection are counted"
_OPEN = "a session is asked for without waiting for the answer"
_ORDER = "nothing of a channel is sent after the answer to the host's close"
_SEND = "messages are sent that the public methods would wait for, or do not know"
_NODES = "each kind of node that conditions may contain is listed, and what it makes is counted"
REASONS = {
    "paramiko.Channel": {
        "_feed": _QUEUE,
        "_feed_extended": _QUEUE,
        "_check_add_window": "the window is opened when data leave that queue",
        "_wait_for_send_window": "sends what the window takes, without waiting",
        "_handle_request": "exit signals, which paramiko ignores",
        "_request_success": "named in the table of handlers, which calls methods of our channel",
        "_request_failed": _WAKE,
        "_window_adjust": _WAKE,
        "_set_closed": _WAKE,
        "_handle_eof": "named in the table of handlers",
        "_handle_close": _SESSIONS,
        "_close_internal": _ORDER,
        "_send_eof": _ORDER,
        "_set_transport": _OPEN,
        "_set_window": _OPEN,
        "_log": "the result of a run says what happened; the log of Odoo stays quiet",
    },
    "paramiko.Transport": {
        "_active_check_timeout": "an idle connection wakes up every few seconds instead of ten times a second",
        "_channel_handler_table": "messages call the methods of our channel, not the functions of the base class",
        "_channels": _OPEN,
        "_next_channel": _OPEN,
        "_parse_channel_open_success": _SESSIONS,
        "_parse_channel_open_failure": "the reason is kept with the channel that was refused",
        "_unlink_channel": _SESSIONS,
        "_send_user_message": _SEND,
        "_log": "the result of a run says what happened; the log of Odoo stays quiet",
    },
    "paramiko.packet.Packetizer": {
        "_read_timeout": "lines before the version of a server are read in any encoding",
        "_Packetizer__remainder": "what was read behind that line",
    },
    "jinja2.Environment": {
        "_generate": "each round of a loop is counted",
    },
    "jinja2.compiler.CodeGenerator": {
        "_make_finalize": "printed values are finalized where the template runs: its code can be shared",
        "_FinalizeInfo": "what that returns",
    },
    "jinja2.Undefined": {
        "_fail_with_undefined_error": "any use of a variable without a value raises our error",
        "_undefined_name": "the dotted name of such a variable",
    },
    "simpleeval.SimpleEval": {
        "_eval": "the steps of an evaluation are counted",
        **dict.fromkeys(
            [
                *("_eval_attribute", "_eval_binop", "_eval_boolop", "_eval_call", "_eval_compare"),
                *(
                    "_eval_constant",
                    "_eval_formattedvalue",
                    "_eval_ifexp",
                    "_eval_joinedstr",
                    "_eval_keyword",
                ),
                *("_eval_name", "_eval_slice", "_eval_subscript", "_eval_unaryop"),
            ],
            _NODES,
        ),
    },
    "simpleeval.EvalWithCompoundTypes": dict.fromkeys(
        ["_eval_comprehension", "_eval_dict", "_eval_list", "_eval_set", "_eval_tuple"], _NODES
    ),
}


def load(path):
    """Return the class of a dotted path."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def private_names(cls):
    """Return the private names of a class itself: methods, attributes, and what its methods set on an object."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} | set(vars(cls))
    return {f"_{cls.__name__}{name}" if name.startswith("__") else name for name in names if is_private(name)}


def foreign_bases(cls):
    return [base for base in cls.__mro__ if base.__module__.partition(".")[0] in LIBRARIES]


MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(tower_engine.__path__, "tower_engine.")
]
OWN_CLASSES = {
    (module.__name__, name): value
    for module in MODULES
    for name, value in vars(module).items()
    if inspect.isclass(value) and value.__module__ == module.__name__ and foreign_bases(value)
}
FOREIGN = {base for cls in OWN_CLASSES.values() for base in foreign_bases(cls)}


def names_in(node, is_own):
    """Yield the private names that code uses: of itself only where it is in a class that extends a library's."""
    for child in ast.iter_child_nodes(node):
        of_itself = isinstance(child, ast.Attribute) and ast.unparse(child.value) in ("self", "cls", "__self")
        if isinstance(child, ast.Attribute) and (is_own or not of_itself):
            yield child.attr
        elif is_own and isinstance(child, ast.FunctionDef):
            yield child.name
        elif is_own and isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif is_own and isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value  # names of methods in tables


def used_names():
    """Return the private names of library classes that the engine uses."""

    def walk(module, node, is_own):
        yield from names_in(node, is_own)
        for child in ast.iter_child_nodes(node):
            own = (module.__name__, child.name) in OWN_CLASSES if isinstance(child, ast.ClassDef) else is_own
            yield from walk(module, child, own)

    found = set()
    for module in MODULES:
        found.update(walk(module, ast.parse(inspect.getsource(module)), False))
    return found & set().union(*map(private_names, FOREIGN))


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, names in REASONS.items() for name in names]
)
def test_the_library_has_the_name(path, name):
    assert name in private_names(load(path))


def test_no_other_private_name_is_used():
    assert used_names() == {name for names in REASONS.values() for name in names}


def test_paramiko_still_asks_our_socket_whether_it_is_closed():
    """``WatchedSocket._closed`` is there for this method alone."""
    assert "sock._closed" in inspect.getsource(paramiko.Transport.stop_thread)
