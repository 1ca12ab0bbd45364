"""Server logs: fetching them, who may, what becomes of the output. Runs are executed inline."""

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ...engine.run_end import RunEnd
from ...engine.ssh.running.command_result import CommandResult, Outcome
from ...models.server_log.command_log import TEXT_LIMIT, ServerLogKeeper
from ...models.server_log.fetching import FOLLOW_LIMIT_S
from ..run.run_case import RunCase

RULES = "odoo.addons.base.models.ir_rule"


class ServerLogCase(RunCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = 0

    def printing(self, message, code=0, **values):
        """Return a Python command whose output is ``message`` (a Python expression)."""
        text = f'result = {{"exit_code": {code}, "message": {message}}}'
        return self.python(text, **{"allow_parallel_run": True, **values})

    def log_of(self, command, person=None, **values):
        Log = self.env["cx.tower.server.log"]
        Log = Log.with_user(person) if person else Log
        values = {"name": "A log", "server_id": self.server.id, "command_id": command.id, **values}
        return Log.create(values)

    def runs_of(self, log):
        return self.env["cx.tower.command.log"].search([("server_log_id", "=", log.id)])


@tagged("post_install", "-at_install")
class TestServerLog(ServerLogCase):
    def test_refresh_fills_the_log_and_leaves_no_second_copy(self):
        log = self.log_of(self.printing('"some text"'))
        self.assertEqual(log.log_state, "never")
        started = log.refresh()
        run = self.runs_of(log)
        self.assertEqual([row["id"] for row in started], run.ids)
        self.assertEqual(started[0]["log"], log.reference)
        self.assertEqual((log.log_text, log.log_state, log.log_size), ("some text", "done", 9))
        self.assertTrue(log.log_date and log.log_date == log.log_tried)
        self.assertFalse(log.log_message or log.is_refreshing)
        self.assertEqual(run.state, "done")
        self.assertFalse(run.command_response or run.command_error)
        self.assertIn(log.name, run.message)

    def test_a_failure_keeps_the_text_and_says_why(self):
        command = self.printing('"first"')
        log = self.log_of(command)
        log.refresh()
        fetched = log.log_date
        command.code = 'result = {"exit_code": 3, "message": "no such thing"}'
        log.refresh()
        self.assertEqual((log.log_state, log.log_message), ("failed", "no such thing"))
        self.assertEqual((log.log_text, log.log_date), ("first", fetched))
        self.assertTrue(log.log_tried)
        command.code = "result = {'exit_code': 0}"
        log.refresh()
        self.assertEqual((log.log_state, log.log_message, log.log_text), ("done", False, ""))
        self.assertEqual(log._get_log_text(), "(empty)")
        self.assertIn("(empty)", log.log_html)

    def test_what_is_refused_before_it_runs_shows_on_the_log(self):
        command = self.printing("{{ nobody_set_this }}")
        log = self.log_of(command)
        log.refresh()
        self.assertEqual(log.log_state, "failed")
        self.assertIn("nobody_set_this", log.log_message)
        self.assertFalse(log.log_text)

    def test_a_log_in_work_is_not_fetched_twice(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "cron")
        log = self.log_of(self.printing('"x"'))
        first = log.refresh()
        self.assertTrue(log.is_refreshing)
        self.assertEqual(first[0]["state"], "queued")
        self.assertEqual(log.refresh(), first)
        self.assertEqual(len(self.runs_of(log)), 1)
        self.runs_of(log)._finish(RunEnd(0, response="y"))
        log.invalidate_recordset()
        self.assertFalse(log.is_refreshing)
        self.assertEqual(log.log_text, "y")

    def test_an_end_is_recorded_although_the_log_cannot_take_it_over(self):
        log = self.log_of(self.printing('"text"'))
        with (
            patch.object(type(log), "_format_log_text", side_effect=ValueError("a broken extension")),
            mute_logger("odoo.addons.cetmix_tower_server.models.server_log.command_log"),
        ):
            log.refresh()
        run = self.runs_of(log)
        self.assertEqual(run.state, "done")
        self.assertIn("a broken extension", run.message)
        self.assertEqual(run.command_response, "text")
        self.assertEqual(log.log_state, "never")

    def test_an_end_waits_for_a_log_that_somebody_changes_for_seconds_only(self):
        log = self.log_of(self.printing('"text"'))
        self.env.cr.execute(
            """CREATE TEMP TABLE limits AS SELECT ''::text AS lock_timeout WHERE FALSE;
               CREATE FUNCTION pg_temp.note_limit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   IF NEW.log_state = 'done' THEN
                       INSERT INTO limits VALUES (current_setting('lock_timeout'));
                   END IF;
                   RETURN NEW;
               END $$;
               CREATE TRIGGER note_limit BEFORE UPDATE ON cx_tower_server_log
                  FOR EACH ROW EXECUTE FUNCTION pg_temp.note_limit()"""
        )
        log.refresh()
        self.env.flush_all()
        self.env.cr.execute("SELECT lock_timeout FROM limits")
        self.assertEqual(self.env.cr.fetchall(), [("2s",)])
        self.env.cr.execute("SHOW lock_timeout")
        self.assertEqual(self.env.cr.fetchone(), ("0",), "what comes later in the transaction")

    def test_a_deleted_log_does_not_keep_its_run_from_ending(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "cron")
        log = self.log_of(self.printing('"x"'))
        log.refresh()
        run = self.runs_of(log)
        log.unlink()
        run.invalidate_recordset()
        run._finish(RunEnd(0, response="y"))
        self.assertEqual(run.state, "done")
        with self.assertRaisesRegex(UserError, "deleted"):
            run.action_run_again()

    def test_no_nul_is_stored(self):
        log = self.log_of(self.printing('"a" + chr(0) + "b"'))
        log.refresh()
        self.assertEqual(log.log_text, "ab")

    def test_hostile_text_is_shown_escaped(self):
        log = self.log_of(
            self.printing('"<script>alert(1)</script>" + chr(27) + "[31mred" + chr(27) + "[0m"')
        )
        log.refresh()
        self.assertNotIn("<script>", log.log_html)
        self.assertIn("&lt;script&gt;", log.log_html)
        self.assertIn('<span class="o_tower_ansi_fg1">red</span>', log.log_html)
        log.sudo().log_text = "line\n" * 60000
        self.assertTrue(log.is_cut)
        self.assertLess(len(log.log_html), 140_000)
        self.assertTrue(log.log_html.startswith("line\n"))

    def test_runs_do_not_notify_and_do_not_count_as_work_on_the_server(self):
        log = self.log_of(self.printing('"x"'))
        with patch.object(type(self.env["res.users"]), "_bus_send") as sent:
            log.refresh()
        sent.assert_not_called()
        self.server.invalidate_recordset()
        self.assertFalse(self.server.last_run_state)
        self.assertEqual(self.server.command_log_count, 0)

    def test_run_again_fetches_the_log_again(self):
        log = self.log_of(self.printing('"x"'))
        log.refresh()
        action = self.runs_of(log).action_run_again()
        self.assertEqual((action["res_model"], action["res_id"]), (log._name, log.id))
        self.assertEqual(len(self.runs_of(log)), 2)

    def test_refresh_all_takes_the_same_queries_for_any_number(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "cron")
        self.env["cx.tower.variable"].create({"name": "Word", "reference": "word"})
        self.server.set_variable_value("word", "said")
        counts = []
        for number in (1, 2, 12):  # the first time fills caches
            self.env["cx.tower.server.log"].search([]).unlink()
            for index in range(number):
                self.log_of(self.printing("{{ word }}", name=f"Print {number} {index}"), name=f"Log {index}")
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.assertTrue(self.server.with_user(self.manager).action_update_server_logs())
            self.env.flush_all()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[1], counts[2])

    def test_copy_and_archive_follow_the_server(self):
        log = self.log_of(self.printing('"x"'))
        log.refresh()
        copied = self.server.copy().server_log_ids
        self.assertEqual((copied.name, copied.command_id), (log.name, log.command_id))
        self.assertFalse(copied.log_text)
        self.assertEqual(copied.log_state, "never")
        self.server.action_archive()
        self.assertFalse(log.active)
        self.server.action_unarchive()
        self.assertTrue(log.active)

    def test_the_copy_of_a_server_shows_its_own_file(self):
        files = self.env["cx.tower.file"].create(
            [
                {"name": name, "server_dir": "/var/log", "server_id": self.server.id, "source": "server"}
                for name in ("b.log", "a.log")
            ]
        )
        for file in files:
            self.env["cx.tower.server.log"].create(
                {
                    "name": f"End of {file.name}",
                    "server_id": self.server.id,
                    "log_type": "file",
                    "file_id": file.id,
                }
            )
        copied = self.server.copy()
        logs = copied.server_log_ids
        self.assertEqual(
            {log.name: (log.file_id.name, log.file_id.server_id) for log in logs},
            {"End of b.log": ("b.log", copied), "End of a.log": ("a.log", copied)},
        )

    def test_scripts_may_set_the_text_where_they_may_write(self):
        log = self.log_of(self.printing('"x"'))
        own = log.with_context(cx_allow_log_text_update=True)
        own.with_user(self.manager).write({"log_text": "from a script"})
        self.assertEqual(log.log_text, "from a script")
        with self.assertRaises(AccessError), mute_logger(RULES):
            own.with_user(self.user).write({"log_text": "forged"})


@tagged("post_install", "-at_install")
class TestServerLogRights(ServerLogCase):
    """Who may fetch: the caller with the right to run the command, or on behalf of who set the log up."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.colleague = new_test_user(cls.env, "log_colleague", "cetmix_tower_server.group_manager")

    def test_users_fetch_what_a_manager_opened_to_them(self):
        command = self.printing('"x"', access_level="2")
        self.assertFalse(command.with_user(self.user).has_access("read"))
        log = self.log_of(command, self.manager, access_level="1")
        log.with_user(self.user).refresh()
        run = self.runs_of(log)
        self.assertEqual((run.user_id, run.state, run.access_level), (self.user, "done", "1"))
        self.assertFalse(run.with_user(self.user).code)  # the log was opened, not the command
        self.assertEqual(log.with_user(self.user).log_text, "x")

    def test_not_when_the_level_or_the_server_is_not_theirs(self):
        stranger = new_test_user(self.env, "log_stranger", "cetmix_tower_server.group_user")
        outsider = new_test_user(self.env, "log_outsider", "base.group_user")
        log = self.log_of(self.printing('"x"', access_level="1"), self.manager, access_level="2")
        opened = self.log_of(self.printing('"x"', access_level="1"), self.manager, access_level="1")
        for person, record in ((self.user, log), (stranger, opened), (outsider, opened)):
            for method in ("refresh", "action_update_log", "action_open_log", "action_follow_log"):
                with self.subTest(person=person.login, method=method), mute_logger(RULES):
                    with self.assertRaises(AccessError):
                        getattr(record.with_user(person), method)()
        self.assertFalse(self.runs_of(log) | self.runs_of(opened))

    def test_not_when_who_set_it_up_may_not_any_more(self):
        command = self.printing('"x"', access_level="2")
        log = self.log_of(command, self.manager, access_level="1")
        with self.subTest("the command was closed to the manager"):
            command.access_level = "3"
            with self.assertRaisesRegex(AccessError, "may not fetch"), mute_logger(RULES):
                log.with_user(self.user).refresh()
            with self.assertRaises(AccessError), mute_logger(RULES):
                log.with_user(self.manager).refresh()
            log.with_user(self.root).refresh()
            command.access_level = "2"
        with self.subTest("the manager lost the server"):
            self.server.manager_ids = [(6, 0, self.colleague.ids)]
            with self.assertRaises(AccessError), mute_logger(RULES):
                log.with_user(self.user).refresh()
        with self.subTest("another one vouches for it"):
            log.with_user(self.colleague).write({"use_sudo": True})
            self.assertEqual(log.vouched_by_id, self.colleague)
            log.with_user(self.user).refresh()
        with self.subTest("the account was closed"):
            self.colleague.active = False
            with self.assertRaises(AccessError), mute_logger(RULES):
                log.with_user(self.user).refresh()

    def test_nobody_moves_another_ones_word_to_another_server_or_level(self):
        command = self.printing('"x"', access_level="3")
        for change in (
            {"access_level": "1"},
            {"use_sudo": True},
            {"server_id": self.server.copy().id},
            {"vouched_by_id": self.root.id},
        ):
            with self.subTest(**change):
                log = self.log_of(command, self.root, access_level="2")
                log.with_user(self.manager).refresh()  # Root opened it to managers
                if "server_id" in change:
                    other = self.env["cx.tower.server"].browse(change["server_id"])
                    other.manager_ids = [(6, 0, self.manager.ids)]
                log.with_user(self.manager).write(change)
                self.assertEqual(log.vouched_by_id, self.manager)
                with self.assertRaises(AccessError), mute_logger(RULES):
                    log.with_user(self.manager).refresh()

    def test_renaming_keeps_the_word(self):
        log = self.log_of(self.printing('"x"', access_level="3"), self.root, access_level="2")
        log.with_user(self.manager).write({"name": "Renamed"})
        self.assertEqual(log.vouched_by_id, self.root)

    def test_python_runs_with_the_rights_of_who_asks(self):
        log = self.log_of(self.printing("env.user.login", access_level="2"), self.manager, access_level="1")
        log.with_user(self.user).refresh()
        self.assertEqual(log.log_text, self.user.login)

    def test_a_run_shows_nothing_below_the_level_of_its_log(self):
        command = self.printing('"x"', access_level="1")
        log = self.log_of(command, self.root, access_level="3")
        log.with_user(self.root).refresh()
        run = self.runs_of(log)
        self.assertEqual(run.access_level, "3")
        self.assertFalse(run.with_user(self.manager).has_access("read"))
        self.assertEqual(self.run_as(self.manager, command).access_level, "1")

    def test_opening_fetches_only_where_one_may(self):
        command = self.printing('"x"', access_level="3")
        log = self.log_of(command, self.root, access_level="2")
        log.with_user(self.manager).write({"use_sudo": True})
        with mute_logger(RULES):
            action = log.with_user(self.manager).action_open_log()
        self.assertEqual(action["res_id"], log.id)
        self.assertFalse(self.runs_of(log))

    def test_refresh_all_fetches_what_one_may(self):
        own = self.log_of(self.printing('"x"'), self.manager)
        other = self.log_of(self.printing('"x"', access_level="3"), self.root, access_level="2")
        other.with_user(self.manager).write({"use_sudo": True})
        with mute_logger(RULES):
            action = self.server.with_user(self.manager).action_update_server_logs()
            with self.assertRaises(AccessError):
                self.server.with_user(self.colleague).action_update_server_logs()
        self.assertIn("1 of 2", action["params"]["message"])
        self.assertEqual((own.log_state, other.log_state), ("done", "never"))


@tagged("post_install", "-at_install")
class TestServerLogOnHost(ServerLogCase):
    """What is sent to the host; the connection is replaced by one that prints what the test wants."""

    def setUp(self):
        super().setUp()
        self.server.write({"ssh_password": "pw", "host_key": False, "skip_host_key": True, "use_sudo": "n"})
        self.specs = []
        self.pieces = [("o", "out\n"), ("e", "err\n"), ("o", "more\n")]
        self.exit_code = 0
        runner = "odoo.addons.cetmix_tower_server.models.command.runners.run_script"
        self.enterContext(patch(runner, side_effect=self._run))
        self.file = self.env["cx.tower.file"].create(
            {
                "name": "app's $(log).log",
                "server_dir": "/var/log",
                "server_id": self.server.id,
                "source": "server",
            }
        )

    def _run(self, channels, target, spec, clocks, output, stop):
        self.specs.append((spec, clocks))
        for stream, text in self.pieces:
            output.on_output(stream, text)
        return CommandResult(
            exit_code=self.exit_code,
            outcome=Outcome.COMPLETED,
            stdout="".join(text for stream, text in self.pieces if stream == "o"),
            stderr="".join(text for stream, text in self.pieces if stream == "e"),
        )

    def shell(self, **values):
        return self.env["cx.tower.command"].create({"name": "Shell", "code": "dmesg", **values})

    def test_both_streams_in_their_order_and_no_live_copy(self):
        log = self.log_of(self.shell())
        log.refresh()
        run = self.runs_of(log)
        self.assertEqual(log.log_text, "out\nerr\nmore\n")
        self.assertEqual((run.output_size, len(run.output_ids)), (0, 0))
        self.assertFalse(run.command_response or run.command_error)

    def test_text_that_came_with_a_failure_is_shown(self):
        self.exit_code = 4
        log = self.log_of(self.shell())
        log.refresh()
        self.assertEqual((log.log_state, log.log_text), ("failed", "out\nerr\nmore\n"))
        self.assertIn("4", log.log_message)

    def test_sudo_is_the_servers_when_the_log_wants_it(self):
        for wanted, expected in ((False, ""), (True, "n")):
            log = self.log_of(self.shell(), use_sudo=wanted)
            log.refresh()
            self.assertEqual(self.specs[-1][0].sudo.value, expected)

    def test_a_file_is_named_as_one_word(self):
        log = self.log_of(self.env["cx.tower.command"], log_type="file", file_id=self.file.id, use_sudo=True)
        log.refresh()
        spec, _clocks = self.specs[-1]
        self.assertEqual(spec.code, """tail -c 524288 -- '/var/log/app'"'"'s $(log).log'""")
        self.assertEqual(spec.sudo.value, "n")
        self.assertEqual(log.log_state, "done")

    def test_a_file_of_a_template(self):
        template = self.env["cx.tower.file.template"].create(
            {"name": "T", "file_name": "t.log", "server_dir": "/var/log", "source": "server"}
        )
        log = self.log_of(
            self.env["cx.tower.command"], log_type="file", file_template_id=template.id, access_level="1"
        )
        with self.assertRaisesRegex(UserError, "does not have"):
            log.refresh()
        self.assertEqual(log.action_open_log()["res_id"], log.id)
        self.file.template_id = template
        log.with_user(self.user).refresh()
        self.assertEqual(len(self.specs), 1)

    def test_a_file_of_another_server_is_refused(self):
        other = self.server.copy()
        with self.assertRaisesRegex(ValidationError, "different servers"):
            self.log_of(
                self.env["cx.tower.command"], log_type="file", file_id=self.file.id, server_id=other.id
            )

    def test_a_host_without_a_shell_is_told(self):
        self.server.shell_mode = "raw"
        log = self.log_of(self.env["cx.tower.command"], log_type="file", file_id=self.file.id)
        log.refresh()
        self.assertEqual((log.log_state, self.specs), ("failed", []))
        self.assertIn("log of type Command", log.log_message)

    def test_following_a_file_is_bounded_and_leaves_the_text_alone(self):
        log = self.log_of(self.env["cx.tower.command"], log_type="file", file_id=self.file.id)
        action = log.with_user(self.manager).action_follow_log()
        run = self.env["cx.tower.command.log"].browse(action["params"]["run_id"])
        spec, clocks = self.specs[-1]
        self.assertTrue(spec.code.startswith("tail -n 200 -F -- "))
        self.assertEqual((clocks.step_timeout_s, clocks.silence_timeout_s), (FOLLOW_LIMIT_S, 0))
        self.assertEqual("".join(text for _s, text in run.output_ids.segments), "out\nerr\nmore\n")
        self.assertFalse(run.command_response)
        self.assertEqual((log.log_state, log.log_text), ("never", False))
        log.refresh()  # whose text replaces what was followed
        self.assertFalse(run.output_ids)
        self.assertEqual(run.output_skipped, run.output_size)

    def test_following_a_command_fills_the_log_too(self):
        log = self.log_of(self.shell(timeout_s=60))
        log.action_follow_log()
        self.assertEqual(self.specs[-1][1].step_timeout_s, 60)
        self.assertEqual((log.log_state, log.log_text), ("done", "out\nerr\nmore\n"))
        self.assertTrue(self.runs_of(log).output_ids)

    def test_who_follows_already_joins_the_own_run(self):
        self.env["ir.config_parameter"].set_param("cetmix_tower_server.backend", "cron")
        log = self.log_of(self.shell(allow_parallel_run=True))
        first = log.with_user(self.manager).action_follow_log()["params"]["run_id"]
        self.assertEqual(log.with_user(self.manager).action_follow_log()["params"]["run_id"], first)
        self.assertNotEqual(log.with_user(self.root).action_follow_log()["params"]["run_id"], first)

    def test_huge_output_is_bounded(self):
        keeper = ServerLogKeeper(False, True)
        take = keeper.taker(None)
        for _index in range(40):
            take("o", "é" * 100_000)
        take("o", "the end")
        text = keeper.end(RunEnd(0)).response
        self.assertLess(len(text.encode()), TEXT_LIMIT + 100)
        self.assertTrue(text.endswith("the end"))
        self.assertIn("omitted", text)
