"""Whatever a script passes to a public method, Tower answers with a sentence, never with a raw exception."""

import inspect
import json
import signal
import traceback
from contextlib import contextmanager

from odoo.exceptions import UserError
from odoo.tools import mute_logger
from psycopg2 import Error

from ...engine.run_end import RunEnd
from ..common import slow
from ..run.run_case import RunCase
from ..screens.screen_records import ScreenRecords

SELF_CONTAINING = []
SELF_CONTAINING.append(SELF_CONTAINING)
HOSTILE = {
    "none": None,
    "number": 7,
    "huge number": 10**30,
    "negative": -(2**63),
    "not a number": float("nan"),
    "endless": float("inf"),
    "text": "nonsense",
    "NUL": "a\0b",
    "half a character": "a\ud800b",
    "no character": "a\ufffeb\uffff",
    "bytes": b"\xff\x00",
    "nested": {"a": [{"b": [None, {"c": "\0"}]}]},
    "list": [[], {}, None, "x", 1.5],
    "dictionary with a number": {1: 2},
    "itself": SELF_CONTAINING,
    "truth": True,
    "set": {1},
}
CALL_LIMIT_S = 30
LOGGER = "odoo.addons.cetmix_tower_server.models.base.plain_errors"


class HostileArgumentsCase(ScreenRecords, RunCase):
    """Every public method of an addon gets every hostile argument.

    :cvar not_called: {(model, method)} that wait on purpose; other tests check their timeouts
    """

    not_called: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root.group_ids += cls.env.ref("base.group_user")
        cls.command = cls.env["cx.tower.command"].create(
            {"name": "C", "code": "true", "action": "ssh_command"}
        )
        line = {"command_id": cls.command.id}
        cls.env["cx.tower.plan"].create({"name": "P", "line_ids": [(0, 0, line)]})
        python = cls.env["cx.tower.command"].create({"name": "Py", "action": "python_code", "code": "x = 1"})
        cls.log = cls.env["cx.tower.command.log"].browse(cls.server.run_command(python)["id"])
        cls.log._finish(RunEnd(0))

    def records_for(self, model, method):
        Model = self.env[model].with_user(self.root)
        if getattr(method, "_api_model", False) or Model._abstract:
            return Model
        if Model._transient:
            return Model.browse()
        return Model.with_context(active_test=False).search([], limit=1, order="id desc")

    def calls(self, method):
        """Yield (name of the call, arguments): each argument hostile in turn, and all of them at once."""
        parameters = [
            parameter
            for parameter in list(inspect.signature(method).parameters.values())[1:]
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        ]
        required = [p.name for p in parameters if p.default is p.empty]
        for kind, value in HOSTILE.items():
            if required:
                yield kind, dict.fromkeys(required, value)
            for parameter in parameters:
                if parameter.name not in required:
                    yield f"{parameter.name}: {kind}", {**dict.fromkeys(required, "x"), parameter.name: value}

    def raw_answer(self, records, name, arguments):
        """Return the raw exception that a call raises, None if there is none. Everything is rolled back."""
        signal.setitimer(signal.ITIMER_REAL, CALL_LIMIT_S)
        try:
            with self.env.cr.savepoint() as savepoint:
                getattr(records, name)(**arguments)
                self.env.flush_all()
                savepoint.rollback()
        except UserError:
            pass
        except Error as error:
            if not type(error).__name__ == "IntegrityError":  # Odoo words those of constraints
                return error
        except Exception as error:
            return error
        finally:
            self.env.invalidate_all(flush=False)
        return None

    @slow
    def test_no_public_method_answers_with_a_raw_exception(self):
        failed, called = {}, 0
        with mute_logger("odoo.sql_db", LOGGER), self.ended_when_endless():
            for model, name, _arguments in self.own_methods():
                if (model, name) in self.not_called:
                    continue
                method = getattr(self.env.registry[model], name)
                records = self.records_for(model, method)
                for kind, arguments in self.calls(method):
                    called += 1
                    error = self.raw_answer(records, name, arguments)
                    if error:
                        where = traceback.extract_tb(error.__traceback__)[-1]
                        text = f"{kind}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
                        failed.setdefault(f"{model}.{name}", text)
        self.assert_found("calls", called)
        self.assertFalse(failed, json.dumps(failed, indent=1))

    @contextmanager
    def ended_when_endless(self):
        """A call that never returns fails the test instead of blocking it."""

        def give_up(_signal, _frame):
            raise TimeoutError("it does not end")

        before = signal.signal(signal.SIGALRM, give_up)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)

    # ------------------------------------------------------------------ messages

    def refusal(self, records, name, *arguments, **named):
        with mute_logger("odoo.sql_db", LOGGER), self.assertRaises(UserError) as caught:
            getattr(records.with_user(self.root), name)(*arguments, **named)
            self.env.flush_all()
        return str(caught.exception)

    def test_every_model_can_be_searched_by_name(self):
        for model in map(self.env.get, self.own_models()):
            if not model._abstract and model._rec_name:
                with self.subTest(model=model._name):
                    model.name_search("nothing")

    def test_numbers_that_no_column_can_hold(self):
        """Every integer and every link of every model that a person may write, found by introspection."""
        self.make_records(self.env, self.server, self.user, self.manager)
        tried, raw = 0, []
        with self.ended_when_endless():
            for record, name in self.numbers():
                tried += 1
                for number in (2**31, -(2**40)):
                    new = {"vals_list": [{name: number}]}
                    error = self.raw_answer(record, "write", {"vals": {name: number}})
                    error = error or self.raw_answer(record.browse(), "create", new)
                    if error:
                        raw.append(f"{record._name}.{name}: {type(error).__name__}")
        self.assert_found("numbers", tried)
        self.assertFalse(raw)

    def numbers(self):
        """Yield (record that Root may write, name of a field with a column of 32 bits)."""
        for model_name, own_fields in self.models_with_own_fields():
            model = self.env[model_name]
            if model._abstract:
                continue
            if not model.with_user(self.root).has_access("write"):
                continue
            record = model.with_user(self.root).search([], limit=1, order="id desc")
            for name, field in own_fields.items():
                is_written = field.type in ("integer", "many2one") and field.store and not field.readonly
                if is_written and field.column_type[0] == "int4":
                    yield record, name
