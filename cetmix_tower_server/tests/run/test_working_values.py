import hashlib

from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ...engine.exit_codes import ExitCode
from .run_case import RunCase

SECRET = "s3cr3t-of-the-test"


@tagged("post_install", "-at_install")
class TestWorkingValues(RunCase):
    """What a step hands on is what it was, also with a secret in it; nobody else gets to see the secret."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.secret = cls.secret_of("t", SECRET)

    @classmethod
    def secret_of(cls, reference, value):
        return cls.env["cx.tower.key"].create(
            {"name": reference, "reference": reference, "key_type": "s", "secret_value": value}
        )

    def plan(self, *lines, **values):
        lines = [
            (0, 0, {"sequence": number, **(line if isinstance(line, dict) else {"command_id": line.id})})
            for number, line in enumerate(lines)
        ]
        return self.env["cx.tower.plan"].create({"name": "Plan", "line_ids": lines, **values})

    def inside(self, plan):
        return self.env["cx.tower.command"].create(
            {"name": "Inside", "action": "plan", "flight_plan_id": plan.id}
        )

    def start(self, plan, **arguments):
        run = self.env["cx.tower.plan.log"].browse(
            self.server.with_user(self.root).run_flight_plan(plan, **arguments).ids
        )
        self.env.invalidate_all()
        return run

    def check(self, name, text):
        """Return a command that fails unless the own value is the text, which it does not name."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.python(
            f"got = hashlib.sha256(str(custom_values.get({name!r})).encode()).hexdigest()\n"
            f"result = {{'exit_code': 0 if got == '{digest}' else 7}}",
            allow_parallel_run=True,
        )

    def check_rendered(self, name, text):
        """The same, for the value as it is put into code."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.python(
            f"got = hashlib.sha256({{{{ {name} }}}}.encode()).hexdigest()\n"
            f"result = {{'exit_code': 0 if got == '{digest}' else 7}}",
            allow_parallel_run=True,
        )

    def assert_nowhere(self, text):
        """Nothing in the database has the text in clear; a dump would show it."""
        self.env.flush_all()
        for table in (
            "cx_tower_command_log",
            "cx_tower_plan_log",
            "cx_tower_command_log_output",
            "cx_tower_file",
        ):
            self.env.cr.execute(f"SELECT count(*) FROM {table} row WHERE row::text LIKE %s", (f"%{text}%",))
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    # ------------------------------------------------------------------ handed on

    SET = "custom_values['_tok'] = 'x' + #!cxtower.secret.t!#"

    def test_the_next_step_gets_the_value(self):
        run = self.start(
            self.plan(
                self.python(self.SET),
                self.check("_tok", "x" + SECRET),
                self.check_rendered("_tok", "x" + SECRET),
            )
        )
        self.assertEqual((run.state, run.message), ("done", False))
        self.assertEqual(run.variable_values, {"_tok": "x*** t ***"})
        self.assertEqual(run.command_log_ids[-1].variable_values, {"_tok": "x*** t ***"})
        self.assert_nowhere(SECRET)

    def test_it_stays_masked_in_what_later_steps_say(self):
        tell = self.python("result = {'message': custom_values['_tok'] + ' and ' + {{ _tok }}}")
        log = self.python("_logger.warning(custom_values['_tok'])")
        with self.assertLogs("odoo.addons.cetmix_tower_server", "WARNING") as logs:
            run = self.start(self.plan(self.python(self.SET), tell, log))
        self.assertEqual((run.state, run.message), ("done", False))
        self.assertEqual(run.command_log_ids.sorted("id")[1].command_response, "x*** t *** and x*** t ***")
        self.assertNotIn(SECRET, "\n".join(logs.output))
        self.assertIn("x*** t ***", "\n".join(logs.output))
        self.assertIn("*** t ***", run.command_log_ids.sorted("id")[1].code)
        self.assert_nowhere(SECRET)

    def test_it_stays_masked_after_the_secret_was_changed(self):
        change = self.python(
            f"env['cx.tower.key'].sudo().browse({self.secret.id}).write({{'secret_value': 'another one'}})"
        )
        tell = self.python("x = #!cxtower.secret.t!#\nresult = {'message': custom_values['_tok'] + x}")
        run = self.start(self.plan(self.python(self.SET), change, tell))
        self.assertEqual(run.command_log_ids.sorted("id")[2].command_response, "x*** t ****** t ***")
        self.assert_nowhere(SECRET)

    def test_plans_inside_conditions_and_post_run_values_get_it(self):
        variable = self.env["cx.tower.variable"].create({"name": "Copied", "reference": "copied"})
        inner = self.plan(
            self.check("_tok", "x" + SECRET),
            self.python("custom_values['_more'] = custom_values['_tok'] * 2"),
        )
        first = {
            "command_id": self.python(self.SET).id,
            "action_ids": [
                (
                    0,
                    0,
                    {
                        "condition": "==",
                        "value_char": "0",
                        "action": "n",
                        "variable_value_ids": [
                            (0, 0, {"variable_id": variable.id, "value_char": "{{ _tok }}!"})
                        ],
                    },
                )
            ],
        }
        met = {
            "command_id": self.check("copied", f"x{SECRET}!").id,
            "condition": "{{ _tok }} == 'x" + SECRET + "'",
        }
        run = self.start(
            self.plan(first, self.inside(inner), met, self.check("_more", f"x{SECRET}x{SECRET}"))
        )
        self.assertEqual(run.command_log_ids.sorted("id").mapped("state"), ["done"] * 4)
        self.assertEqual(run.variable_values["copied"], "x*** t ***!")
        self.env.cr.execute("UPDATE cx_tower_command_log SET condition = NULL")  # the author wrote it there
        self.env.cr.execute("UPDATE cx_tower_plan_log SET run_input = NULL WHERE id = %s", (run.id,))
        self.assert_nowhere(SECRET)

    def test_resuming_goes_on_with_it(self):
        fails = self.python("got = {{ _tok }}\nresult = {'exit_code': 0 if server.note == 'go' else 5}")
        inner = self.plan(fails, self.check("_tok", "x" + SECRET))
        run = self.start(
            self.plan(self.python(self.SET), self.inside(inner), self.check("_tok", "x" + SECRET))
        )
        self.assertEqual((run.state, run.plan_status), ("failed", 5))
        self.server.note = "go"
        resumed = run.with_user(self.root).resume().sudo()
        self.env.invalidate_all()
        self.assertEqual((resumed.state, resumed.variable_values), ("done", {"_tok": "x*** t ***"}))
        self.assert_nowhere(SECRET)

    def test_a_harmless_value_with_a_secrets_text_in_it(self):
        self.secret_of("short", "admin")
        run = self.start(
            self.plan(
                self.python("x = #!cxtower.secret.short!#\ncustom_values['login'] = 'administrator'"),
                self.check("login", "administrator"),
                self.check_rendered("login", "administrator"),
            )
        )
        self.assertEqual(run.state, "done")
        self.assertEqual(run.variable_values, {"login": "*** short ***istrator"})

    def test_numbers_lists_and_names_are_handed_on_too(self):
        self.secret_of("pin", "84213377")
        run = self.start(
            self.plan(
                self.python("pin = #!cxtower.secret.pin!#\ncustom_values[pin] = [int(pin), {'a': [pin]}]"),
                self.python(
                    "result = {'exit_code': 0 if custom_values == {'84213377'[:]: [84213377, {'a': ['84213377']}]} else 7}"
                ),
            )
        )
        self.assertEqual(run.state, "done")
        self.assertEqual(run.variable_values, {"*** pin ***": ["*** pin ***", {"a": ["*** pin ***"]}]})

    def test_running_again_begins_with_it(self):
        inner = self.plan(self.check("_tok", "x" + SECRET))
        run = self.start(self.plan(self.python(self.SET), self.inside(inner)))
        inside = run.command_log_ids.sorted("id")[1].triggered_plan_log_id
        action = inside.with_user(self.root).action_run_again()
        again = self.env["cx.tower.plan.log"].browse(action["res_id"])
        self.env.invalidate_all()
        self.assertEqual((again.state, again.variable_values), ("done", {"_tok": "x*** t ***"}))
        self.assert_nowhere(SECRET)

    def test_python_that_starts_other_runs_hands_it_on(self):
        plan = self.plan(self.check("_tok", SECRET), self.check_rendered("_tok", SECRET))
        command = self.check_rendered("_tok", SECRET)
        log = self.run_as(
            self.root,
            self.python(
                "values = {'_tok': #!cxtower.secret.t!#}\n"
                f"server.run_flight_plan({plan.id}, variable_values=values, label='started')\n"
                f"server.run_command({command.id}, variable_values=values, log={{'label': 'started'}})\n"
                "server.run_code('pass  # ' + #!cxtower.secret.t!#, action='python_code', label='started')"
            ),
        )
        self.assertEqual((log.state, log.message), ("done", False))
        self.env.invalidate_all()
        started = self.env["cx.tower.command.log"].search([("label", "=", "started")])
        self.assertEqual(started.mapped("state"), ["done"] * 4)
        self.assert_nowhere(SECRET)

    def test_python_that_would_store_it_openly_is_refused(self):
        log = self.run_as(
            self.root,
            self.python(
                f"env['cx.tower.fleet.run'].start(\n    command={self.python('pass').id},"
                " servers=[server.reference], variable_values={'_tok': #!cxtower.secret.t!#})"
            ),
        )
        self.assertEqual(log.command_status, ExitCode.PYTHON_COMMAND_ERROR)
        self.assertNotIn(SECRET, log.command_error)
        self.assertIn("contains the secret", log.command_error)

    # ------------------------------------------------------------------ kept safe

    def test_what_is_sealed_is_worth_nothing_in_another_run(self):
        first, second = (self.start(self.plan(self.python(self.SET))) for _number in range(2))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE cx_tower_plan_log SET sealed = (SELECT sealed FROM cx_tower_plan_log WHERE id = %s) WHERE id = %s",
            (first.id, second.id),
        )
        self.env.invalidate_all()
        with self.assertRaisesRegex(Exception, "cannot be decrypted"):
            second._custom_values__()

    def test_python_cannot_read_it_back_unmasked(self):
        for code in (
            "result = {'message': str(env['cx.tower.plan.log'].sudo().search([], limit=1)._custom_values__().values)}",
            "result = {'message': env['cx.tower.plan.log'].sudo().search([('sealed', '!=', False)], limit=1).sealed}",
        ):
            self.start(self.plan(self.python(self.SET)))
            log = self.run_as(self.root, self.python(code))
            self.assertNotIn(SECRET, f"{log.command_response}{log.command_error}")

    def test_rotating_the_keys_keeps_it(self):
        run = self.start(self.plan(self.python(self.SET)))
        before = run.sealed
        with mute_logger("odoo.addons.cetmix_tower_server.models.vault.cx_tower_vault"):
            self.env["cx.tower.vault"].rotate_keys()
        self.env.invalidate_all()
        self.assertNotEqual(run.sealed, before)
        self.assertEqual(run._custom_values__().values, {"_tok": "x" + SECRET})
        self.assertEqual(self.env["cx.tower.vault"].get_status()["old"], 0)

    def test_runs_without_secrets_keep_nothing_of_their_own(self):
        run = self.start(self.plan(self.python("custom_values['a'] = 1"), self.python("pass")))
        self.assertFalse(any([run.sealed, *run.command_log_ids.mapped("sealed")]))

    # ------------------------------------------------------------------ what a run may start with

    def test_values_that_no_log_could_hold_are_refused_when_a_run_starts(self):
        command = self.python("pass")
        for value in ({"b": "a\0b"}, [float("nan")], "\ud800", b"x", {"x": {1}}, self.server):
            with (
                self.subTest(value=type(value)),
                self.assertRaisesRegex(ValidationError, "custom values cannot be used"),
            ):
                self.server.with_user(self.root).run_command(command, variable_values={"a": value})

    def test_a_post_run_value_that_cannot_be_kept_ends_the_plan_with_a_sentence(self):
        variable = self.env["cx.tower.variable"].create({"name": "Odd", "reference": "odd"})
        action = {
            "condition": "==",
            "value_char": "0",
            "action": "n",
            "variable_value_ids": [(0, 0, {"variable_id": variable.id, "value_char": '{{ "a\\x00b" }}'})],
        }
        run = self.start(self.plan({"command_id": self.python("pass").id, "action_ids": [(0, 0, action)]}))
        self.assertEqual((run.state, run.plan_status), ("failed", ExitCode.RENDERING_FAILED))
        self.assertIn("NUL and half characters cannot be in the value of “odd”", run.message)

    def test_metadata_that_cannot_be_kept_is_refused(self):
        for value in ("a\0b", float("nan"), {"a": ["\ud800"]}):
            with self.subTest(value=value), self.assertRaisesRegex(ValidationError, "must be JSON"):
                self.server.update_metadata({"a": value})
