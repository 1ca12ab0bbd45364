import logging
import threading

from odoo.exceptions import AccessError
from odoo.tests import tagged

from ...engine.exit_codes import ExitCode
from ...engine.masking.in_use import secrets_in_use
from ...engine.masking.masker import Masker
from ...engine.secret import Secret
from ..run.run_case import RunCase


@tagged("post_install", "-at_install")
class TestPythonCommand(RunCase):
    def outcome(self, code, **arguments):
        log = self.run_as(self.root, self.python(code), **arguments)
        return log.command_status, log.command_response or log.command_error or "", log

    def test_without_result_the_command_succeeds(self):
        status, text, log = self.outcome("x = 1 + 1")
        self.assertEqual((status, text, log.state), (0, "", "done"))

    def test_result_is_exit_code_and_message(self):
        status, text, log = self.outcome('result = {"exit_code": 7, "message": "seven"}')
        self.assertEqual((status, text, log.state), (7, "seven", "failed"))

    def test_the_console_shows_the_message(self):
        _status, _text, log = self.outcome('result = {"exit_code": 0, "message": "seen"}')
        self.assertEqual(log.read_output()["chunks"][0]["segments"], [["o", "seen"]])

    def test_writes_and_result_are_kept_together(self):
        _status, _text, log = self.outcome('server.write({"note": "written"})')
        self.assertEqual(log.state, "done")
        self.assertEqual(self.server.note, "written")

    def test_writes_of_a_failed_command_are_undone(self):
        self.server.note = "before"
        status, text, _log = self.outcome('server.write({"note": "lost"})\nraise UserError("no")')
        self.assertEqual(status, ExitCode.PYTHON_COMMAND_ERROR)
        self.assertEqual(text, "Line 2: UserError: no")
        self.assertEqual(self.server.note, "before")

    def test_refusals_name_the_line_and_the_right_way(self):
        cases = [
            ('a = 1\nserver.name = "x"', "Line 2", "use write"),
            ("().__class__", "Line 1", "__class__"),
            ("import os", "Line 1", "import"),
            ("x = = 1", "Line 1", "syntax"),
            ("a = 1\nb = 2\n1 / 0", "Line 3", "ZeroDivisionError"),
            ('open("/etc/passwd")', "Line 1", "open"),
            ("os.system('id')", "Line 1", "os"),
            ('x = "{0.__init__}".format(env)', "Line 1", "format"),
            ('t = "{0._" + "_init__}"\nt.format(env)', "Line 2", "format"),
            ('f"{env.__class__}"', "Line 1", "__class__"),
            ("def f():\n    return missing\nf()", "Line 2", "missing"),
            ("env['cx.tower.key']._get_secrets__(['x'])", "Line 1", "__"),
        ]
        for code, line, words in cases:
            with self.subTest(code=code):
                status, text, log = self.outcome(code)
                self.assertEqual(status, ExitCode.PYTHON_COMMAND_ERROR)
                self.assertIn(line, text)
                self.assertIn(words, text)
                self.assertEqual(log.state, "failed")

    def test_libraries_and_objects_are_there(self):
        code = """
found = [
    re.match("a+", "aab").group(0),
    json.dumps({"a": 1}),
    hashlib.sha256(b"x").hexdigest()[:4],
    hmac.new(b"k", b"m", "sha256").hexdigest()[:4],
    str(datetime.date(2026, 1, 2)),
    str(dateutil.parser.parse("2026-01-02").year),
    timezone("UTC").zone,
    urllib_parse.quote("a b"),
    tldextract("www.example.co.uk").domain,
    str(float_compare(0.1, 0.1, precision_digits=2)),
    user.login,
    server.reference,
    tower.generate_random_id(),
    str(tower_servers.search_count([]) > 0),
    str(tower_commands.search_count([]) > 0),
    "plans: " + str(tower_plans.get_by_reference("no_such_plan")),
    str((jet, jet_template, waypoint)),
    str(dns.resolver.resolve is not None),
    str(requests.get is not None),
    str(time.time() > 0),
]
_logger.info("a line in the server's log")
result = {"exit_code": 0, "message": " ".join(found)}
"""
        status, text, _log = self.outcome(code)
        self.assertEqual(status, 0, text)
        self.assertIn("run_root", text)
        self.assertIn("plans: cx.tower.plan()", text)

    def test_the_help_names_what_is_there(self):
        text = self.python("pass").command_help
        for name in ("server", "tower_servers", "tower_commands", "tower_plans", "requests"):
            self.assertIn(f">{name}</code>", text)

    def test_what_reads_secrets_is_out_of_reach(self):
        for call in (
            "server._connection_target__()",
            "server._login__()",
            "server._secrets_of_run__({})",
            "server._credentials__()",
            "env['cx.tower.vault']._read_values__('x', [1], ['y'])",
            "server._command_runner_ssh(None).masker__",
        ):
            with self.subTest(call=call):
                status, text, _log = self.outcome(call)
                self.assertEqual(status, ExitCode.PYTHON_COMMAND_ERROR)
                self.assertIn("double underscore", text)

    def test_secrets_are_masked_in_names_of_custom_values(self):
        self.env["cx.tower.key"].create(
            {"name": "K", "reference": "key_in_key", "key_type": "s", "secret_value": "hunter2222"}
        )
        _status, _text, log = self.outcome("custom_values[#!cxtower.secret.key_in_key!#] = 1")
        self.assertEqual(log.variable_values, {"*** key_in_key ***": 1})

    def test_it_runs_as_the_person_who_started_it(self):
        command = self.python('result = {"exit_code": 0, "message": user.login}', access_level="1")
        command.user_ids = self.user
        self.assertEqual(self.run_as(self.user, command).command_response, "run_user")

    def test_custom_values_can_be_read_and_changed(self):
        code = 'custom_values["_new"] = custom_values["given"] + "!"'
        _status, _text, log = self.outcome(code, variable_values={"given": "x"})
        self.assertEqual(log.variable_values, {"given": "x", "_new": "x!"})

    def test_only_python_authors_write_python(self):
        Command = self.env["cx.tower.command"]
        values = {"name": "P", "action": "python_code", "code": "pass"}
        with self.assertRaises(AccessError):
            Command.with_user(self.manager).create(values)
        shell = Command.with_user(self.manager).create({"name": "S", "code": "true"})
        with self.assertRaises(AccessError):
            shell.write({"action": "python_code"})
        with self.assertRaises(AccessError):
            sneaky = Command.with_user(self.manager).with_context(default_action="python_code")
            sneaky.create({"name": "S", "code": "pass"})
        stored = Command.create({**values, "manager_ids": [(4, self.manager.id)]})
        with self.assertRaises(AccessError):
            stored.with_user(self.manager).write({"code": "1"})
        stored.with_user(self.manager).write({"note": "notes are free"})
        self.manager.group_ids += self.env.ref("cetmix_tower_server.group_python_author")
        stored.with_user(self.manager).write({"code": "1"})

    def test_ad_hoc_python_needs_the_same_right(self):
        with self.assertRaises(AccessError):
            self.server.with_user(self.manager).run_code("pass", action="python_code")
        started = self.server.with_user(self.root).run_code('result = {"exit_code": 2}', action="python_code")
        log = self.env["cx.tower.command.log"].browse(started["id"])
        self.assertTrue(log.is_ad_hoc)
        self.assertEqual(log.command_status, 2)
        self.assertEqual(log.code, 'result = {"exit_code": 2}')

    # ------------------------------------------------------------------ what may be left behind

    def test_values_that_cannot_be_kept_are_told_in_one_sentence(self):
        cases = [
            ("custom_values['a'] = float('nan')", 'custom_values["a"] is nan'),
            ("custom_values['a'] = {'b': [1, float('-inf')]}", 'custom_values["a"]["b"][1] is -inf'),
            ("custom_values['a'] = 'x\\0y'", 'custom_values["a"] contains NUL'),
            ("custom_values['a'] = {'b\\0': 1}", 'A key in custom_values["a"] contains NUL'),
            ("custom_values['a'] = '\\ud800'", "half a character"),
            ("custom_values['a'] = custom_values", 'custom_values["a"] contains itself'),
            ("x = []\nx.append(x)\ncustom_values['a'] = x", 'custom_values["a"][0] contains itself'),
            (
                "x = []\nfor i in range(2000):\n    x = [x]\ncustom_values['a'] = x",
                "nested more than 50 levels",
            ),
            ("custom_values['a'] = 10 ** 5000", "more than 1000 digits"),
            ("custom_values['a'] = b'x'", "is bytes"),
            ("custom_values['a'] = server", "is a record"),
            ("custom_values['a'] = (i for i in [1])", "is a generator"),
            ("custom_values['a'] = lambda: 1", "is a function"),
            ("custom_values['a'] = 'x' * 1100000", "more than 1,000,000 characters"),
            ("custom_values[server] = 1", "keys must be strings"),
            ("custom_values = [1]", "must stay a dictionary"),
            ("result = {'exit_code': 2 ** 31}", 'result["exit_code"] is larger than 2147483647'),
            ("result = {'exit_code': -2 ** 40}", "larger than"),
            ("result = {'exit_code': float('inf')}", 'result["exit_code"] is inf'),
            ("result = {'exit_code': 'three'}", 'result["exit_code"] is three'),
            ("result = {'exit_code': 1.5}", "use a whole number"),
        ]
        for code, words in cases:
            with self.subTest(code=code):
                status, text, log = self.outcome(code)
                self.assertEqual((status, log.state), (ExitCode.PYTHON_COMMAND_ERROR, "failed"))
                self.assertIn(words, text)
                self.assertNotIn("psycopg2", text)

    def test_what_an_error_says_is_kept_though_it_holds_what_no_database_takes(self):
        status, text, log = self.outcome("raise UserError('a\\0b\\ud800')")
        self.assertEqual((status, log.outcome), (ExitCode.PYTHON_COMMAND_ERROR, False))
        self.assertEqual(text, "Line 1: UserError: a\u2400b\ufffd")

    def test_values_that_can_be_kept_are_kept(self):
        code = (
            "custom_values.update(d=datetime.date(2026, 1, 2), s={1}, t=(1, None), n={1: True}, f=0.5,"
            " z=datetime.timedelta(hours=1), k={'a': 1}.keys())\n"
            "result = {'exit_code': True, 'message': 'a\\0b\\ud800'}"
        )
        status, text, log = self.outcome(code)
        self.assertEqual((status, text), (1, "a\u2400b\ufffd"))
        self.assertEqual(
            log.variable_values,
            {
                "d": "2026-01-02",
                "s": [1],
                "t": [1, None],
                "n": {"1": True},
                "f": 0.5,
                "z": "1:00:00",
                "k": ["a"],
            },
        )

    # ------------------------------------------------------------------ Odoo's log

    def test_secrets_are_masked_in_everything_that_odoo_logs_meanwhile(self):
        self.env["cx.tower.key"].create(
            {"name": "t", "reference": "t", "key_type": "s", "secret_value": "s3cr3t-of-the-log"}
        )
        codes = [
            'env.cr.execute("select " + #!cxtower.secret.t!#)',
            'env["ir.model.fields"].with_context(active_test=[#!cxtower.secret.t!#])._search([("nothing", "=", 1)])',
            '_logger.error("%s", {"a": #!cxtower.secret.t!#})',
            'env["no.such." + #!cxtower.secret.t!#]',
        ]
        for code in codes:
            with self.subTest(code=code), self.assertLogs(None, "WARNING") as logs:
                logging.getLogger(__name__).warning("something, so that there is something")
                _status, text, _log = self.outcome(code)
                self.assertNotIn("s3cr3t-of-the-log", "\n".join([text, *logs.output]))
                if code is codes[0]:
                    self.assertIn("select *** t ***", "\n".join(logs.output))

    def test_tracebacks_and_arguments_are_masked_and_other_threads_are_left_alone(self):
        logger = logging.getLogger("tower.test")
        masker = Masker({"t": Secret("s3cr3t-of-the-log")})
        with self.assertLogs(logger, "INFO") as logs:
            with secrets_in_use(masker):
                try:
                    raise ValueError("s3cr3t-of-the-log")
                except ValueError:
                    logger.exception("with %s", "s3cr3t-of-the-log", stack_info=True)
                other = threading.Thread(target=lambda: logger.warning("s3cr3t-of-the-log"))
                other.start()
                other.join()
            logger.warning("s3cr3t-of-the-log")
        formatter = logging.Formatter()
        first, *rest = (formatter.format(record) for record in logs.records)
        self.assertIn("with *** t ***", first)
        self.assertIn("ValueError: *** t ***", first)
        self.assertNotIn("s3cr3t", first)
        self.assertEqual(rest, ["s3cr3t-of-the-log"] * 2)
