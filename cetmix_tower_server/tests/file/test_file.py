import base64
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2.errors import LockNotAvailable

from ...engine.errors import ConnectTimeout, FileUploadFailed
from ...engine.exit_codes import ExitCode
from ...engine.ssh.files import Owner
from .file_case import FileCase


@tagged("post_install", "-at_install")
class TestFile(FileCase):
    # ------------------------------------------------------------------ fields, preview

    def test_directory_and_path_have_one_way_to_be_written(self):
        file = self.file(server_dir=" /etc//app/ ")
        self.assertEqual(file.server_dir, "/etc//app")
        self.assertEqual(file.host_path, "/etc/app/app.conf")
        self.assertEqual(self.file(server_dir="/").host_path, "/app.conf")
        self.assertEqual(self.file(server_dir="~/").host_path, "~/app.conf")

    def test_what_is_no_path_has_none_and_says_why(self):
        for values in ({"server_dir": "etc"}, {"name": "a/b"}, {"server_dir": "/etc/../root"}):
            file = self.file(**values)
            self.assertFalse(file.host_path, values)
            self.assertTrue(file.render_error, values)

    def test_permissions_and_names_are_validated(self):
        for values in ({"mode": "rw"}, {"mode": "888"}, {"owner": "a b"}, {"group": "x;y"}, {"owner": "-x"}):
            with self.assertRaises(ValidationError):
                self.file(**values)
        self.file(mode="0640", owner="www-data", group="33")

    def test_preview_puts_values_in_and_hides_secrets(self):
        self.variable("file_port", "8080")
        self.env["cx.tower.key"].create(
            {"name": "Tok", "reference": "tok", "key_type": "s", "secret_value": "hush"}
        )
        file = self.file(
            name="a{{ file_port }}",
            server_dir="/srv/{{ file_port }}",
            code="p={{ file_port }} #!cxtower.secret.tok!#\n",
        )
        self.assertEqual(file.rendered_name, "a8080")
        self.assertEqual(file.rendered_server_dir, "/srv/8080")
        self.assertEqual(file.full_server_path, "/srv/8080/a8080")
        self.assertEqual(file.host_path, "/srv/8080/a8080")
        self.assertEqual(file.rendered_code, "p=8080 *** tok ***\n")
        self.assertFalse(file.render_error)

    def test_a_missing_value_shows_the_error_and_never_none(self):
        self.variable("file_nothing")
        file = self.file(name="a", server_dir="/srv/{{ file_nothing }}", code="{{ file_nothing }}")
        for text in (file.rendered_code, file.rendered_server_dir, file.full_server_path, file.render_error):
            self.assertIn("file_nothing", text)
            self.assertNotIn("None", text)
            self.assertNotIn("False", text)

    def test_a_secret_in_name_or_directory_is_refused(self):
        file = self.file(server_dir="/srv/#!cxtower.secret.tok!#")
        self.assertIn("secret", file.full_server_path)
        file.upload()
        self.assertEqual(file.sync_state, "failed")
        self.assertFalse(self.host.calls)

    def test_preview_hides_values_above_the_persons_level(self):
        variable = self.variable("file_root", "classified", access_level="3")
        self.variable("file_outer", "x{{ file_root }}")
        file = self.file(code="{{ file_outer }} {{ file_root }}")
        self.assertIn("classified", file.rendered_code)
        seen = file.with_user(self.manager)
        seen.invalidate_recordset()
        self.assertNotIn("classified", seen.rendered_code)
        self.assertIn("file_outer, file_root", seen.rendered_code)
        self.assertTrue(variable)
        hidden_place = self.file(name="a", server_dir="/srv/{{ file_root }}")
        self.assertEqual(hidden_place.full_server_path, "/srv/classified/a")
        hidden_place.invalidate_recordset()
        self.assertEqual(hidden_place.with_user(self.manager).full_server_path, "/srv/{{ file_root }}/a")

    def test_renaming_a_variable_renames_its_uses(self):
        variable = self.variable("file_old", "1")
        file = self.file(name="{{ file_old }}", server_dir="/{{ file_old }}", code="{{ file_old }}")
        template = self.template(
            file_name="{{ file_old }}", server_dir="/{{ file_old }}", code="{{ file_old }}"
        )
        self.assertEqual(file.variable_ids, variable)
        variable.reference = "file_new"
        for text in (file.name, file.code, template.file_name, template.code):
            self.assertEqual(text, "{{ file_new }}")
        self.assertEqual((file.server_dir, template.server_dir), ("/{{ file_new }}",) * 2)
        variable.invalidate_recordset()
        self.assertEqual(variable.file_ids_count, 1)
        self.assertEqual(variable.file_template_ids_count, 1)

    # ------------------------------------------------------------------ push

    def test_push_is_a_run_with_the_values_put_in(self):
        self.variable("file_port", "8080")
        file = self.file(code="port {{ file_port }}\n", mode="600", backup=True)
        self.assertEqual(file.sync_state, "new")
        started = file.upload()
        self.assertEqual(self.host.files["/etc/app/app.conf"], (b"port 8080\n", 0o600))
        log = self.env["cx.tower.command.log"].browse(started["id"])
        self.assertEqual((log.state, log.command_status), ("done", 0))
        self.assertEqual(log.file_ids, file)
        self.assertEqual(log.code, "port 8080\n")
        self.assertFalse(log.run_result)
        self.assertEqual((file.sync_state, file.server_response, file.host_state), ("ok", "ok", "same"))
        self.assertEqual(file.pushed_path, "/etc/app/app.conf")
        self.assertTrue(file.sync_date_last)
        file.upload()
        self.assertEqual(file.backup_path, "/etc/app/app.conf.bak")

    def test_a_run_tells_the_host_side_whose_its_temporary_files_are(self):
        """What dead workers of this installation left is removed, what others may be using is not."""
        workers = self.env["cx.tower.worker"]
        workers._beat("living", "host", 1)
        self.file().upload()
        owner = self.host.options[-1]["owner"]
        self.assertTrue(owner.is_left(Owner.of(self.installation(), "dead", []).temporary_name("x")))
        self.assertFalse(owner.is_left(Owner.of("another", "dead", []).temporary_name("x")))
        for worker in ("living", self.last_log().worker):
            self.assertFalse(owner.is_left(Owner.of(self.installation(), worker, []).temporary_name("x")))

    def installation(self):
        return self.env["ir.config_parameter"].get_param("database.uuid")

    def test_secrets_reach_the_host_and_nothing_else(self):
        self.env["cx.tower.key"].create(
            {"name": "Tok", "reference": "tok", "key_type": "s", "secret_value": "hush hush"}
        )
        file = self.file(code="token=#!cxtower.secret.tok!#\n")
        file.upload()
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"token=hush hush\n")
        log = file.last_log_id
        self.assertEqual(log.code, "token=*** tok ***\n")
        self.env.cr.execute("SELECT run_input::text FROM cx_tower_command_log WHERE id = %s", (log.id,))
        self.assertNotIn("hush", self.env.cr.fetchone()[0])

    def test_a_missing_secret_or_value_fails_before_anything_is_sent(self):
        good = self.file(name="good")
        bad = self.file(name="bad", code="#!cxtower.secret.nobody!#")
        worse = self.file(name="worse", code="{{ nobody_knows }}")
        (good + bad + worse).upload()
        self.assertEqual(list(self.host.files), ["/etc/app/good"])
        self.assertEqual((good + bad + worse).mapped("sync_state"), ["ok", "failed", "failed"])
        self.assertIn("nobody_knows", worse.server_response)
        log = good.last_log_id
        self.assertIn("2 of 3 files failed", log.message)
        self.assertEqual(log.command_status, ExitCode.SECRET_NOT_FOUND)

    def test_many_files_are_one_run_a_server(self):
        other = self.server.copy({"ssh_password": "x"})
        files = self.File.concat(
            *(self.file(name=f"f{n}", server_id=(self.server if n % 2 else other).id) for n in range(20))
        )
        before = self.env["cx.tower.command.log"].search_count([])
        files.upload()
        self.assertEqual(self.env["cx.tower.command.log"].search_count([]), before + 2)
        self.assertEqual(len(self.host.files), 20 // 2 * 1 + 10)
        self.assertEqual(set(files.mapped("sync_state")), {"ok"})
        self.assertEqual(
            [call for call in self.host.calls if call[0] == "push_many"], [("push_many", "")] * 2
        )

    def test_starting_many_files_costs_no_query_a_file(self):
        files = self.File.concat(
            *(self.file(name=f"f{n}", code="{{ tower.server.name }}") for n in range(40))
        )
        self.enterContext(self.nobody_executes())
        self.env.flush_all()

        def queries(part):
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            part._start_runs("push")
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        few = queries(files[:2])
        self.assertLessEqual(queries(files[2:]), few + 3)

    def test_one_failing_file_does_not_keep_the_others(self):
        files = self.file(name="a") + self.file(name="b") + self.file(name="c")
        self.host.failures["/etc/app/b"] = FileUploadFailed("no space on the device")
        files.upload()
        self.assertEqual(files.mapped("sync_state"), ["ok", "failed", "ok"])
        self.assertEqual(files[1].server_response, "no space on the device")
        self.assertEqual(files.last_log_id.command_status, ExitCode.FILE_UPLOAD_FAILED)
        self.assertIn("/etc/app/b: no space", files.last_log_id.message)

    def test_an_unreachable_host_fails_the_run_and_all_its_files(self):
        self.host.connect_error = ConnectTimeout("no answer", "h", 22)
        files = self.file(name="a") + self.file(name="b")
        files.upload()
        self.assertEqual(files.mapped("sync_state"), ["failed"] * 2)
        self.assertEqual(files.last_log_id.command_status, ExitCode.SSH_CONNECTION_ERROR)
        self.assertEqual(self.server.connection_state, "failed")

    def test_sudo_is_used_for_those_files_that_want_it(self):
        self.server.use_sudo = "p"
        plain, rooted = self.file(name="plain"), self.file(name="rooted", use_sudo=True)
        (plain + rooted).upload()
        self.assertEqual([options["sudo"].value for options in self.host.options], ["", "p"])
        self.assertFalse(self.host.options[0]["sudo_password"])
        self.assertEqual(self.host.options[1]["sudo_password"].reveal(), "a password")
        self.assertEqual(rooted.last_log_id.use_sudo, "p")
        self.assertEqual(set(self.host.files), {"/etc/app/plain", "/etc/app/rooted"})

    def test_what_never_reached_the_host_says_nothing_about_its_connection(self):
        before = self.server.connection_state
        self.file(code="{{ nobody_knows }}").upload()
        self.assertEqual(self.server.connection_state, before)
        self.file(name="good").upload()
        self.assertEqual(self.server.connection_state, "ok")

    def test_results_that_could_not_be_taken_over_at_the_end_are_later(self):
        file = self.file()
        with patch.object(type(self.File), "_take_over_results", side_effect=LockNotAvailable):
            file.upload()
        self.assertEqual(file.sync_state, "waiting")
        self.sync()
        self.assertEqual(file.sync_state, "ok")
        self.assertFalse(file.last_log_id.run_result)

    def test_a_file_is_in_one_run_at_a_time(self):
        file = self.file()
        with self.nobody_executes():
            first = file.upload()
        self.assertTrue(file.is_being_processed)
        self.assertEqual(first["busy"], [])
        held = {"id": file.id, "reference": file.reference, "log": first["id"]}
        self.assertEqual(file.compare(), {"logs": [], "busy": [{**held, "follows": False}]})
        self.assertEqual(file.upload(), {"logs": [], "busy": [{**held, "follows": True}]})
        self.assertTrue(file.sync_wanted)
        with self.assertRaises(UserError):
            file.upload(raise_error=True)
        log = self.env["cx.tower.command.log"].browse(first["id"])
        self.execute(log)
        self.assertEqual(log.state, "done")
        self.assertTrue(file.sync_wanted)
        file.code = "two\n"
        self.sync()
        self.assertFalse(file.sync_wanted)
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"two\n")

    def test_a_new_file_in_sync_is_pushed_once(self):
        file = self.file(auto_sync=True, auto_sync_interval="10-minutes")
        self.assertEqual(file.last_log_id.state, "done")
        first = file.last_log_id
        self.sync()
        self.assertEqual(file.last_log_id, first)

    def test_wrong_direction_is_refused(self):
        with self.assertRaises(UserError):
            self.file(source="server").upload()
        with self.assertRaises(UserError):
            self.file().download()

    def test_a_binary_file_is_pushed_from_the_filestore(self):
        file = self.file(file_type="binary", file=base64.b64encode(b"\0\1\2"), code=False)
        file.upload()
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"\0\1\2")
        file.file = False
        file.upload()
        self.assertEqual(file.sync_state, "failed")
        self.assertIn("no content", file.server_response)

    def test_binary_content_that_was_changed_after_the_start_is_not_sent(self):
        file = self.file(file_type="binary", file=base64.b64encode(b"one"), code=False)
        with self.nobody_executes():
            started = file.upload()
        file.file = base64.b64encode(b"two")
        self.execute(self.env["cx.tower.command.log"].browse(started["id"]))
        self.assertFalse(self.host.files)
        self.assertIn("Push it again", file.server_response)

    # ------------------------------------------------------------------ pull

    def test_pull_brings_text(self):
        self.host.files["/var/log/x"] = ("grüße {{ no template }\n".encode(), 0o644)
        file = self.file(name="x", server_dir="/var/log", source="server", code=False)
        file.download()
        self.assertEqual(file.code, "grüße {{ no template }\n")
        self.assertEqual((file.sync_state, file.server_response), ("ok", "ok"))
        self.assertEqual(file.rendered_code, "")

    def test_pulled_text_is_no_template(self):
        variable = self.variable("file_used", "1")
        self.host.files["/var/log/x"] = (b"{{ file_used }} {% broken\n", 0o644)
        file = self.file(name="x", server_dir="/var/log", source="server", code=False)
        file.download()
        self.assertEqual(file.code, "{{ file_used }} {% broken\n")
        self.assertNotIn(variable, file.variable_ids)

    def test_what_is_no_text_is_refused_with_advice(self):
        for content in (b"a\0b", b"\xff\xfe\xfa"):
            self.host.files["/var/log/x"] = (content, 0o644)
            file = self.file(name="x", server_dir="/var/log", source="server", code=False)
            file.download()
            self.assertEqual(file.sync_state, "failed")
            self.assertIn("Binary", file.server_response)
            self.assertEqual(file.last_log_id.command_status, ExitCode.FILE_DOWNLOAD_FAILED)

    def test_pulled_binary_content_is_in_the_filestore(self):
        content = bytes(range(256)) * 1000
        self.host.files["/var/lib/x"] = (content, 0o644)
        file = self.file(name="x", server_dir="/var/lib", source="server", file_type="binary", code=False)
        for data in (content, content[:77]):
            self.host.files["/var/lib/x"] = (data, 0o644)
            file.download()
            self.assertEqual(file.sync_state, "ok", file.server_response)
            self.assertEqual(base64.b64decode(file.file), data)
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", "cx.tower.file"), ("res_field", "=", "file"), ("res_id", "=", file.id)]
        )
        self.assertEqual(len(attachment), 1)
        self.assertEqual(attachment.file_size, 77)
        self.assertEqual(attachment.checksum, attachment._compute_checksum(content[:77]))

    # ------------------------------------------------------------------ compare

    def test_compare_says_what_a_push_would_change(self):
        file = self.file(mode="600")
        file.compare()
        self.assertEqual(file.host_state, "missing")
        file.upload()
        file.compare()
        self.assertEqual(file.host_state, "same")
        self.host.files["/etc/app/app.conf"] = (b"other\n", 0o644)
        file.compare()
        self.assertEqual((file.host_state, file.code_on_server), ("differs", "other\n"))
        self.assertIn("644, not 600", file.host_note)
        self.assertTrue(file.host_checked)
        file.upload()
        self.assertEqual(file.host_state, "same")

    def test_compare_is_decided_on_bytes_and_shown_masked(self):
        self.env["cx.tower.key"].create(
            {"name": "Tok", "reference": "tok", "key_type": "s", "secret_value": "hush hush"}
        )
        file = self.file(code="#!cxtower.secret.tok!#\n")
        self.host.files["/etc/app/app.conf"] = (b"*** tok ***\n", 0o644)
        file.compare()
        self.assertEqual(file.host_state, "differs")
        self.host.files["/etc/app/app.conf"] = (b"hush hush\n", 0o644)
        file.compare()
        self.assertEqual((file.host_state, file.code_on_server), ("same", "*** tok ***\n"))

    def test_compare_survives_what_the_database_cannot_hold(self):
        file = self.file()
        self.host.files["/etc/app/app.conf"] = (b"a\0\xff", 0o644)
        file.compare()
        self.assertEqual(file.host_state, "differs")
        self.assertNotIn("\0", file.code_on_server)

    def test_a_change_makes_the_comparison_old(self):
        file = self.file()
        file.upload()
        file.code = "two\n"
        self.assertEqual((file.sync_state, file.host_state), ("new", "unknown"))

    # ------------------------------------------------------------------ deletion

    def test_deleting_the_record_deletes_the_file(self):
        file = self.file()
        file.upload()
        file.unlink()
        self.assertNotIn("/etc/app/app.conf", self.host.files)
        self.assertEqual(self.last_log().state, "done")

    def test_what_was_never_pushed_or_is_to_be_kept_stays(self):
        self.host.files["/etc/passwd"] = (b"x", 0o644)
        self.file(name="passwd", server_dir="/etc").unlink()
        kept = self.file(name="kept", keep_when_deleted=True)
        kept.upload()
        kept.unlink()
        pulled = self.file(name="passwd", server_dir="/etc", source="server", code=False)
        pulled.download()
        pulled.unlink()
        self.assertEqual(set(self.host.files), {"/etc/passwd", "/etc/app/kept"})

    def test_the_file_is_deleted_where_it_was_pushed_to(self):
        variable = self.variable("file_place", "a")
        file = self.file(server_dir="/srv/{{ file_place }}")
        file.upload()
        variable.value_ids.value_char = "b"
        self.host.files["/srv/b/app.conf"] = (b"somebody else's", 0o644)
        file.unlink()
        self.assertEqual(list(self.host.files), ["/srv/b/app.conf"])

    def test_rollback_takes_the_deletion_back(self):
        file = self.file()
        file.upload()
        before = self.last_log()

        class Undo(Exception):
            pass

        with self.assertRaises(Undo), self.env.cr.savepoint():
            with self.nobody_executes():
                file.unlink()
            self.assertNotEqual(self.last_log(), before)
            raise Undo
        self.assertEqual(self.last_log(), before)
        self.assertTrue(file.exists())
        self.assertIn("/etc/app/app.conf", self.host.files)

    def test_a_deletion_that_fails_is_told_on_the_server(self):
        file = self.file()
        file.upload()
        self.host.failures["/etc/app/app.conf"] = FileUploadFailed("permission denied")
        file.unlink()
        log = self.last_log()
        self.assertEqual(log.command_status, ExitCode.FILE_UPLOAD_FAILED)
        self.assertIn("permission denied", log.message)
        self.assertIn("/etc/app/app.conf", self.server.message_ids[0].body)
        del self.host.failures["/etc/app/app.conf"]
        log.action_run_again()
        self.assertNotIn("/etc/app/app.conf", self.host.files)

    def test_a_file_in_a_run_is_not_deleted(self):
        file = self.file()
        with self.nobody_executes():
            file.upload()
        with self.assertRaises(UserError):
            file.unlink()

    def test_the_question_before_deleting_names_what_goes_on_the_host(self):
        pushed, kept = self.file(), self.file(name="kept", keep_when_deleted=True)
        (pushed | kept).upload()
        never_pushed = self.file(name="new")
        pulled = self.file(name="pulled", source="server")
        text = (pushed | kept | never_pushed | pulled).describe_deletion()
        self.assertIn(f"Also deleted on the host: {pushed.pushed_path} on {self.server.name}.", text)
        self.assertNotIn(f"{kept.pushed_path} ", text)
        for harmless in (kept, never_pushed, pulled):
            self.assertIn("Nothing will be deleted on the host", harmless.describe_deletion())
        self.assertIn("remain there", self.server.describe_deletion())

    def test_a_new_file_has_no_name_made_of_separators(self):
        new = self.env["cx.tower.file"].new({})
        self.assertFalse(new.display_name)
        new.name = "a"
        self.assertEqual(new.display_name, "/a")

    def test_deleting_on_the_host_keeps_the_record(self):
        file = self.file()
        file.upload()
        file.action_delete_from_server()
        self.assertFalse(self.host.files)
        self.assertEqual((file.sync_state, file.host_state, file.pushed_path), ("new", "missing", False))

    # ------------------------------------------------------------------ auto sync

    def test_auto_sync_pushes_after_creation_and_change(self):
        file = self.file(auto_sync=True)
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"one\n")
        file.code = "two\n"
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"two\n")
        runs = len(self.host.calls)
        file.auto_sync_interval = "1-hours"
        self.assertEqual(len(self.host.calls), runs)

    def test_auto_sync_pulls_after_creation(self):
        self.host.files["/etc/app/app.conf"] = (b"there\n", 0o644)
        self.assertEqual(self.file(auto_sync=True, source="server", code=False).code, "there\n")

    def test_saving_never_fails_because_of_a_host(self):
        self.host.connect_error = ConnectTimeout("no answer", "h", 22)
        file = self.file(auto_sync=True)
        self.assertEqual(file.sync_state, "failed")
        missing = self.file(auto_sync=True, code="{{ nobody_knows }}")
        self.assertEqual(missing.sync_state, "failed")

    def test_the_cron_honours_each_interval(self):
        file = self.file(auto_sync=True, auto_sync_interval="10-minutes", backup=True)
        now = fields.Datetime.now()
        minutes = (file.sync_date_next - now).total_seconds() / 60
        self.assertAlmostEqual(minutes, 10, delta=0.5)
        file.sync_date_next = fields.Datetime.subtract(now, minutes=25)
        self.host.calls.clear()
        self.sync()
        self.assertEqual(self.host.calls, [("stat", "/etc/app/app.conf")])  # unchanged: no push, no backup
        self.assertEqual(file.sync_date_next, fields.Datetime.add(now, minutes=5))
        self.sync()
        self.assertEqual(len(self.host.calls), 1)
        file.sync_date_next = fields.Datetime.subtract(now, minutes=1)
        self.host.files["/etc/app/app.conf"] = (b"changed by hand\n", 0o644)
        self.sync()
        self.assertEqual(self.host.files["/etc/app/app.conf"][0], b"one\n")

    def test_months_keep_their_day(self):
        file = self.file(auto_sync_interval="1-months", sync_date_next="2026-01-31 10:00:00")
        file.auto_sync = True
        self.assertEqual(
            file._next_sync(fields.Datetime.to_datetime("2026-03-02 00:00:00")),
            fields.Datetime.to_datetime("2026-03-31 10:00:00"),
        )

    def test_archived_files_and_servers_are_left_alone(self):
        file = self.file(auto_sync=True)
        self.host.calls.clear()
        file.sync_date_next = "2020-01-01 00:00:00"
        self.server.active = False
        self.assertFalse(file.active)
        self.sync()
        self.assertFalse(self.host.calls)

    # ------------------------------------------------------------------ end of runs

    def test_a_failure_to_update_files_does_not_undo_the_end(self):
        file = self.file()
        with (
            patch.object(type(self.File), "_write_changes", side_effect=ValueError("boom")),
            mute_logger("odoo.addons.cetmix_tower_server.models.file.command_log"),
        ):
            started = file.upload()
        log = self.env["cx.tower.command.log"].browse(started["id"])
        self.assertEqual((log.state, log.command_status), ("done", 0))
        self.assertIn("boom", log.message)

    def test_copies_neither_sync_nor_delete(self):
        file = self.file(auto_sync=True)
        copy = self.server.copy().file_ids
        self.assertEqual((copy.name, copy.auto_sync, copy.keep_when_deleted), (file.name, False, True))
        self.assertEqual(copy.sync_state, "new")
