"""What must not happen with files whatever else happens: to others' servers, to what is on a host, to all that is in sync."""

import errno
import json
from dataclasses import replace
from unittest.mock import MagicMock, patch

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger
from odoo.tools.json import json_default
from psycopg2.errors import LockNotAvailable

from ...engine.errors import ConnectError, TransferTimedOut
from ...engine.exit_codes import ExitCode
from ...engine.files.document import StoredContent
from ...engine.run_end import RunEnd
from ...engine.ssh.running.stopping import StopRequested
from ...worker import file_work
from .file_case import FileCase


@tagged("post_install", "-at_install")
class TestFileSafety(FileCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.others_server = cls.server.with_context(skip_ssh_settings_check=True).create(
            {"name": "Others", "ip_v4_address": "127.0.0.1", "ssh_username": "tower", "skip_host_key": True}
        )
        cls.others_server.ssh_password = "a password"

    # ------------------------------------------------------------------ secrets

    def secret(self, reference, value):
        return self.env["cx.tower.key"].create(
            {"name": reference, "reference": reference, "key_type": "s", "secret_value": value}
        )

    def assert_nowhere(self, *texts):
        """Nothing in the database has a text in clear; a dump would show it."""
        self.env.flush_all()
        for table in (
            "cx_tower_command_log",
            "cx_tower_plan_log",
            "cx_tower_command_log_output",
            "cx_tower_file",
        ):
            for text in texts:
                self.env.cr.execute(
                    f"SELECT count(*) FROM {table} row WHERE row::text LIKE %s", (f"%{text}%",)
                )
                self.assertEqual(self.env.cr.fetchone()[0], 0, (table, text))

    def test_what_stands_at_the_place_of_a_changed_secret_is_not_shown(self):
        secret = self.secret("db", "0ld-v4lue-of-db")
        file = self.file(code="host=a\npassword=#!cxtower.secret.db!#\nport=1\n")
        file.upload(raise_error=True)
        self.assertIn(b"0ld-v4lue-of-db", self.host.files["/etc/app/app.conf"][0])
        secret.secret_value = "n3w-v4lue-of-db"
        file.compare(raise_error=True)
        self.env.invalidate_all()
        self.assertEqual(file.host_state, "differs")
        self.assertEqual(file.code_on_server, "host=a\npassword=*** db: another value ***\nport=1\n")
        self.assert_nowhere("0ld-v4lue-of-db", "n3w-v4lue-of-db")

    def test_what_is_read_where_tower_put_a_secret_is_masked(self):
        self.secret("db", "v4lue-of-db")
        self.file(code="password=#!cxtower.secret.db!#\n").upload(raise_error=True)
        pulled = self.file(name="app.conf", source="server", code=False)
        pulled.download(raise_error=True)
        self.env.invalidate_all()
        self.assertEqual(pulled.code, "password=*** db ***\n")
        self.assert_nowhere("v4lue-of-db")

    def test_a_file_gets_the_secret_that_a_step_before_left(self):
        self.secret("t", "s3cret-of-step")
        template = self.template(code="token={{ _tok }}\n", file_name="tok.conf")
        python = self.python("custom_values['_tok'] = 'Bearer ' + #!cxtower.secret.t!#")
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "Plan",
                "line_ids": [
                    (0, 0, {"sequence": 1, "command_id": python.id}),
                    (
                        0,
                        0,
                        {"sequence": 2, "command_id": self.command(template, if_file_exists="overwrite").id},
                    ),
                ],
            }
        )
        run = self.env["cx.tower.plan.log"].browse(self.server.with_user(self.root).run_flight_plan(plan).ids)
        self.env.invalidate_all()
        self.assertEqual((run.state, run.message), ("done", False))
        self.assertEqual(self.host.files["/etc/web/tok.conf"][0], b"token=Bearer s3cret-of-step\n")
        file = self.File.search([("host_path", "=", "/etc/web/tok.conf")])
        self.assertEqual(file.variable_values, {"_tok": "Bearer *** t ***"})
        self.assertEqual(file.rendered_code, "token=Bearer *** t ***\n")
        self.host.files.clear()
        file.upload(raise_error=True)
        self.assertEqual(self.host.files["/etc/web/tok.conf"][0], b"token=Bearer s3cret-of-step\n")
        self.host.files["/etc/web/tok.conf"] = (b"token=Bearer s3cret-before\n", 0o644)
        file.compare(raise_error=True)
        self.env.invalidate_all()
        self.assertEqual(
            file.code_on_server, "token=*** t: another value ***\n".replace("*** t", "Bearer *** t")
        )
        notice = file.action_push_to_server()["params"]["message"]
        self.assertEqual(notice, "Push started.")
        copied = file.copy({"name": "copy.conf"})
        copied.upload(raise_error=True)
        self.assertEqual(self.host.files["/etc/web/copy.conf"][0], b"token=Bearer s3cret-of-step\n")
        self.assert_nowhere("s3cret-of-step", "s3cret-before")

    def test_a_push_that_may_still_be_running_is_not_said_to_have_ended(self):
        command = self.command(self.template(code="x", file_name="x.conf"), if_file_exists="overwrite")
        for error, confirmed in (
            (StopRequested(), "yes"),
            (StopRequested(may_run_on=True), "no"),
            (TransferTimedOut("too late"), False),
            (TransferTimedOut("too late", may_run_on=True), "no"),
        ):
            with self.subTest(error=repr(error), confirmed=confirmed):
                self.host.connect_error = error
                log = self.run_as(self.root, command)
                self.env.invalidate_all()
                self.assertIn(log.command_status, (-206, -208))
                self.assertEqual(log.stop_confirmed, confirmed)

    def test_a_secret_that_a_step_left_is_no_name_of_a_file(self):
        self.secret("t", "s3cret-of-step")
        template = self.template(file_name="{{ _tok }}.conf")
        python = self.python("custom_values['_tok'] = #!cxtower.secret.t!#")
        plan = self.env["cx.tower.plan"].create(
            {
                "name": "Plan",
                "line_ids": [
                    (0, 0, {"sequence": 1, "command_id": python.id}),
                    (0, 0, {"sequence": 2, "command_id": self.command(template).id}),
                ],
            }
        )
        run = self.env["cx.tower.plan.log"].browse(self.server.with_user(self.root).run_flight_plan(plan).ids)
        self.env.invalidate_all()
        self.assertEqual((run.state, run.plan_status), ("failed", ExitCode.RENDERING_FAILED))
        self.assertIn("contains the text of the secret “t”", run.message)
        self.assertFalse(self.host.files)
        self.assert_nowhere("s3cret-of-step")

    # ------------------------------------------------------------------ whose server

    def test_a_context_of_the_caller_opens_no_other_server(self):
        file = self.file().with_user(self.manager).with_context(tower_file_quiet=True)
        with self.assertRaises(UserError):
            file.write({"server_id": self.others_server.id, "auto_sync": True, "use_sudo": True})

    def test_a_run_that_one_may_not_read_is_not_linked(self):
        log = self.env["cx.tower.command.log"].create(
            {"server_id": self.others_server.id, "command_id": self.python("pass").id, "state": "done"}
        )
        with self.assertRaises(AccessError):
            self.file().with_user(self.manager).write({"last_log_id": log.id})

    # ------------------------------------------------------------------ what people and scripts are told

    def test_a_file_without_directory_is_told_so(self):
        for values in ({}, {"server_dir": False}, {"server_dir": ""}):
            with (
                self.subTest(values=values),
                self.assertNoLogs("odoo.sql_db", "ERROR"),
                self.assertRaisesRegex(ValidationError, "“app.conf” needs a directory"),
            ):
                self.env["cx.tower.file"].create({"name": "app.conf", "server_id": self.server.id, **values})
        with self.assertRaisesRegex(ValidationError, "needs a directory"):
            self.file().server_dir = False

    def test_a_download_that_fails_is_a_validation_error(self):
        server = self.server.with_user(self.manager)
        for attempt in (server.download_file, server.delete_file):
            self.host.connect_error = ConnectError("web is not reachable.")
            with (
                self.subTest(attempt=attempt.__name__),
                self.assertRaisesRegex(ValidationError, "not reachable"),
            ):
                attempt("/srv/data")
        self.host.connect_error = None
        with self.assertRaises(ValidationError):
            server.download_file("/srv/nothing")

    def test_bytes_over_json_say_how_to_ask_for_them(self):
        self.host.files["/srv/data"] = (b"\xff\xfe", 0o644)
        server = self.server.with_user(self.manager)
        self.assertIs(type(server.download_file("/srv/data")), bytes)
        with patch("odoo.addons.cetmix_tower_server.models.file.server.request", MagicMock()) as request:
            for routing in ("jsonrpc", "json2"):
                request.dispatcher.routing_type = routing
                content = server.download_file("/srv/data")
                self.assertEqual(content, b"\xff\xfe")
                with self.subTest(routing=routing), self.assertRaisesRegex(UserError, "as_base64"):
                    json.dumps(content, default=json_default)
                self.host.files["/srv/text"] = ("ü".encode(), 0o644)
                text = json.dumps(server.download_file("/srv/text"), default=json_default, ensure_ascii=False)
                self.assertEqual(text, '"ü"')

    def test_a_full_disk_of_the_tower_host_is_told(self):
        server = self.server.with_user(self.manager)
        full = OSError(errno.ENOSPC, "No space left on device")
        with (
            patch.object(type(self.env["ir.attachment"]), "_file_write", side_effect=full),
            self.assertRaisesRegex(ValidationError, "cannot store the content: No space left"),
        ):
            server.upload_file("content", "/srv/data")

    def test_a_download_that_was_not_kept_is_not_an_empty_file(self):
        self.host.files["/srv/data"] = (b"content", 0o644)
        with (
            patch.object(type(self.env["ir.attachment"]), "_file_read", return_value=b""),
            self.assertRaisesRegex(ValidationError, "cannot be read from the file store"),
        ):
            self.server.with_user(self.manager).download_file("/srv/data")

    def test_content_that_cannot_be_sent_is_told(self):
        server = self.server.with_user(self.manager)
        with self.assertRaisesRegex(ValidationError, "UTF-8"):
            server.upload_file("\ud800", "/srv/data")
        with self.assertRaisesRegex(ValidationError, "base64"):
            server.upload_file("ä", "/srv/data", as_base64=True)

    # ------------------------------------------------------------------ running again

    def test_running_an_upload_again_deletes_nothing(self):
        self.server.with_user(self.manager).upload_file("content", "/srv/data")
        self.assertEqual(self.host.files["/srv/data"][0], b"content")
        with self.assertRaises(UserError):
            self.last_log().with_user(self.manager).action_run_again()
        self.assertIn("/srv/data", self.host.files)

    def test_running_a_download_again_deletes_nothing(self):
        self.host.files["/srv/data"] = (b"content", 0o644)
        self.server.with_user(self.manager).download_file("/srv/data")
        with self.assertRaises(UserError):
            self.last_log().with_user(self.manager).action_run_again()
        self.assertIn("/srv/data", self.host.files)

    def test_running_a_push_again_whose_record_is_gone_deletes_nothing(self):
        file = self.file(keep_when_deleted=True)
        file.upload()
        log = self.last_log()
        file.unlink()
        with self.assertRaises(UserError):
            log.action_run_again()
        self.assertIn("/etc/app/app.conf", self.host.files)

    def test_running_a_deletion_again_deletes(self):
        file = self.file()
        file.upload()
        file.unlink()
        self.host.files["/etc/app/app.conf"] = (b"back", 0o644)
        self.last_log().action_run_again()
        self.assertNotIn("/etc/app/app.conf", self.host.files)

    # ------------------------------------------------------------------ content of scripts

    def test_uploaded_content_is_for_nobody_else_and_does_not_stay(self):
        Attachment = self.env["ir.attachment"]
        before = Attachment.search([])
        seen = []
        person = new_test_user(
            self.env, "file_reader", "base.group_user,cetmix_tower_server.group_user", email="r@example.com"
        )
        self.server.user_ids = [(4, person.id)]
        perform = self.host.session

        def look(*arguments, **options):
            kept = Attachment.search([]) - before
            seen.append((len(kept), kept.with_user(person)._filtered_access("read")))
            return perform(*arguments, **options)

        with patch("odoo.addons.cetmix_tower_server.worker.file_work.FileSession", look):
            self.server.with_user(self.manager).upload_file("content", "/srv/data")
        self.assertEqual(seen, [(1, Attachment)])
        self.assertFalse(Attachment.search([]) - before)

    def test_uploaded_content_goes_with_a_run_that_nobody_waits_for_any_more(self):
        before = self.env["ir.attachment"].search([])
        document = self.server._bare_document("push", "/srv/data")
        attachment = self.env["ir.attachment"].create({"name": "data", "raw": b"content"})
        document = replace(document, attachment=StoredContent(attachment.id, attachment.checksum, 7))
        log = self.server._create_bare_run("push", document)
        log._finish(RunEnd(int(ExitCode.RUN_INTERRUPTED)))
        self.assertFalse(self.env["ir.attachment"].search([]) - before)

    def test_a_result_that_nobody_fetches_does_not_stay(self):
        log = self.server._create_bare_run("push", self.server._bare_document("push", "/srv/data"))
        log._finish(RunEnd(0, columns={"run_result": {"files": [{"outcome": "pushed"}]}}))
        self.sync()
        self.assertTrue(log.run_result)
        log.finish_date = fields.Datetime.subtract(fields.Datetime.now(), hours=2)
        self.sync()
        self.assertFalse(log.run_result)

    # ------------------------------------------------------------------ one that cannot be started

    def test_one_file_that_cannot_be_started_keeps_nobody(self):
        files = [self.file(name=f"f{number}", auto_sync=True) for number in range(5)]
        self.host.files.clear()
        for file in files:
            file._write_quietly({"sync_wanted": True, "sync_state": "waiting"})
        File = type(self.File)
        freeze = File._freeze

        def fail(records, operation, nonce):
            if files[3] in records:
                raise ValueError("something of Tower")
            return freeze(records, operation, nonce)

        with (
            patch.object(File, "_freeze", fail),
            mute_logger("odoo.addons.cetmix_tower_server.models.file.sync"),
        ):
            self.sync()
        self.assertEqual(sorted(self.host.files), [f"/etc/app/f{number}" for number in (0, 1, 2, 4)])
        self.assertEqual(files[3].sync_state, "failed")
        self.assertIn("something of Tower", files[3].server_response)

    def test_a_template_that_makes_nul_is_told_like_any_other_error(self):
        file = self.file(code='{{ "\\x00" }}', auto_sync=True)
        self.assertEqual(file.sync_state, "failed")
        self.assertIn("NUL", file.server_response)

    # ------------------------------------------------------------------ changes while a run goes on

    def _changed_meanwhile(self, file, start, change):
        with self.nobody_executes():
            log = self.env["cx.tower.command.log"].browse(start(file)["id"])
        change()
        self.execute(log)
        self.assertEqual(log.state, "done")
        return file

    def test_what_was_changed_during_a_push_is_not_called_the_same(self):
        file = self.file()
        self._changed_meanwhile(file, lambda file: file.upload(), lambda: file.write({"code": "two\n"}))
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"one\n")
        self.assertEqual(file.sync_state, "new")
        self.assertEqual(file.host_state, "unknown")
        self.assertEqual(file.pushed_path, "/etc/app/app.conf")
        file.upload()
        self.assertEqual((file.sync_state, file.host_state), ("ok", "same"))

    def test_what_was_changed_during_a_comparison_is_not_called_the_same(self):
        file = self.file()
        file.upload()
        self._changed_meanwhile(file, lambda file: file.compare(), lambda: file.write({"code": "two\n"}))
        self.assertEqual(file.host_state, "unknown")

    def test_the_content_of_another_place_is_not_taken_for_that_of_this_one(self):
        self.host.files["/etc/app/app.conf"] = (b"old place", 0o644)
        file = self.file(source="server", code=False)
        self._changed_meanwhile(file, lambda file: file.download(), lambda: file.write({"name": "other"}))
        self.assertFalse(file.code)
        self.assertEqual(file.sync_state, "new")

    # ------------------------------------------------------------------ several files of one run

    def test_what_was_pulled_finds_its_file_though_another_one_is_gone(self):
        self.host.files = {"/etc/app/a": (b"aa", 0o644), "/etc/app/b": (b"bb", 0o644)}
        files = self.file(name="a", source="server", file_type="binary", code=False)
        files |= self.file(name="b", source="server", file_type="binary", code=False)
        with self.nobody_executes():
            log = self.env["cx.tower.command.log"].browse(files.download()["id"])
        self.env.cr.execute("DELETE FROM cx_tower_file WHERE id = %s", (files[0].id,))
        self.env.invalidate_all()
        self.execute(log)
        self.assertEqual(files[1].with_context(bin_size=False).file, b"YmI=")

    def test_one_content_that_is_missing_in_tower_keeps_no_other(self):
        files = self.file(name="a", file_type="binary", file=b"YWE=", code=False) | self.file(name="b")
        attachment = files._content_attachments()[files[0].id]
        attachment.flush_recordset()
        self.env.cr.execute(
            "UPDATE ir_attachment SET store_fname = '00/missing', db_datas = NULL WHERE id = %s",
            attachment.ids,
        )
        self.env.invalidate_all()
        files.upload()
        self.assertEqual(files.mapped("sync_state"), ["failed", "ok"])
        self.assertIn("file store", files[0].server_response)
        self.assertEqual(self.last_log().command_status, ExitCode.FILE_UPLOAD_FAILED)

    def test_texts_of_many_files_are_not_all_carried_along(self):
        texts = {f"f{number}": f"{number}\r\n\N{SNOWMAN}" * 10 for number in range(4)}
        for operation in ("download", "compare"):
            with self.subTest(operation), patch.object(file_work, "TEXT_IN_MEMORY", 100):
                files = self.File.browse()
                for name, text in texts.items():
                    self.host.files[f"/etc/app/{name}"] = (text.encode(), 0o644)
                    source = "server" if operation == "download" else "tower"
                    files |= self.file(name=name, source=source, code=False)
                log = self.env["cx.tower.command.log"].browse(getattr(files, operation)()["id"])
                self.assertEqual(log.state, "done")
                field = "code" if operation == "download" else "code_on_server"
                self.assertEqual(files.mapped(field), list(texts.values()))
                files.unlink()

    def test_what_the_database_gets_of_a_run_stays_small(self):
        results = []
        take_over = type(self.File)._take_over_results

        def look(records, log):
            results.extend(log.run_result["files"])
            return take_over(records, log)

        files = self.File.browse()
        for number in range(4):
            self.host.files[f"/etc/app/f{number}"] = (b"x" * 60, 0o644)
            files |= self.file(name=f"f{number}", source="server", code=False)
        with (
            patch.object(file_work, "TEXT_IN_MEMORY", 100),
            patch.object(type(self.File), "_take_over_results", look),
        ):
            files.download()
        self.assertEqual(sum(len(result.get("code", "")) for result in results), 60)

    # ------------------------------------------------------------------ nothing waits for ever

    def _ends_badly(self, error):
        file = self.file()
        with self.nobody_executes():
            log = self.env["cx.tower.command.log"].browse(file.upload()["id"])
        self.assertEqual(file.sync_state, "waiting")
        with patch.object(type(self.File), "_take_over_results", side_effect=error):
            log._finish(RunEnd(int(ExitCode.RUN_INTERRUPTED), message="It is lost."))
        return file

    def test_a_run_that_brought_nothing_is_told_later_when_its_file_was_held(self):
        file = self._ends_badly(LockNotAvailable)
        self.sync()
        self.assertEqual((file.sync_state, file.server_response), ("failed", "It is lost."))

    def test_a_file_that_could_not_be_updated_does_not_wait_for_ever(self):
        with mute_logger("odoo.addons.cetmix_tower_server.models.file.command_log"):
            file = self._ends_badly(ValueError("something of Tower"))
        self.assertEqual(file.sync_state, "failed")
        self.assertIn("something of Tower", file.server_response)
