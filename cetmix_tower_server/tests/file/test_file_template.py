from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from ...engine.errors import ConnectTimeout, FileUploadFailed
from ...engine.exit_codes import ExitCode
from ...models.base.engine_context import engine_says
from .file_case import FileCase


@tagged("post_install", "-at_install")
class TestFileTemplate(FileCase):
    def make(self, template, **values):
        """Make a file from a template by hand."""
        return self.File.create({"server_id": self.server.id, "template_id": template.id, **values})

    def plan(self, *commands, **values):
        """Make a flight plan with these commands."""
        lines = [
            (0, 0, {"sequence": number, "command_id": command.id}) for number, command in enumerate(commands)
        ]
        return self.env["cx.tower.plan"].create({"name": "Plan", "line_ids": lines, **values})

    # ------------------------------------------------------------------ making files

    def test_a_file_takes_over_what_its_template_says(self):
        template = self.template(mode="640", owner="root", keep_when_deleted=True, use_sudo=True)
        file = self.make(template, server_dir="/own")
        self.assertEqual((file.name, file.server_dir, file.code), ("web.conf", "/own", "x\n"))
        self.assertEqual(
            (file.mode, file.owner, file.keep_when_deleted, file.use_sudo), ("640", "root", True, True)
        )

    def test_create_file_decides_by_the_rendered_path(self):
        self.variable("web_dir", "/etc/web")
        template = self.template(server_dir="{{ web_dir }}")
        file = template.create_file(self.server)
        self.assertEqual((file.template_id, file.host_path), (template, "/etc/web/web.conf"))
        with self.assertRaises(ValidationError):
            template.create_file(self.server, server_dir="/etc//web/")
        same = template.create_file(self.server, if_file_exists="skip")
        self.assertEqual(same, file)
        self.assertTrue(same.env.context["file_creation_skipped"])
        other = self.template(name="Other", file_name="web.conf", code="other\n")
        self.assertEqual(other.create_file(self.server, if_file_exists="overwrite"), file)
        self.assertEqual((file.template_id, file.code), (other, "other\n"))
        self.assertNotEqual(template.create_file(self.server, server_dir="/srv"), file)

    def test_create_file_costs_the_same_however_many_files_there_are(self):
        template = self.template()

        def queries(directory):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            template.create_file(self.server, server_dir=directory)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        queries("/warm")
        few = queries("/a")
        for number in range(30):
            self.file(name=f"f{number}", code="{{ tower.server.name }}")
        self.assertLessEqual(queries("/b"), few)

    def test_create_file_refuses_what_makes_no_sense(self):
        template = self.template()
        with self.assertRaises(ValidationError):
            template.create_file(self.server, if_file_exists="maybe")
        with self.assertRaises(ValidationError):
            self.template(server_dir="{{ nobody_knows }}").create_file(self.server)
        with self.assertRaises(AccessError):
            template.with_user(self.user).create_file(self.server)

    # ------------------------------------------------------------------ following

    def test_files_follow_their_template_and_those_in_sync_are_pushed(self):
        template = self.template()
        synced = self.make(template, auto_sync=True)
        plain = self.make(template, name="plain.conf")
        own = self.make(template, server_dir="/own", auto_sync=True)
        self.host.calls.clear()
        template.write({"code": "new\n", "server_dir": "/etc/moved", "mode": "600"})
        self.assertFalse(self.host.calls)  # saving waits for no host
        files = synced + plain + own
        self.assertEqual(set(files.mapped("code")), {"new\n"})
        self.assertEqual(files.mapped("server_dir"), ["/etc/moved", "/etc/moved", "/own"])
        self.assertEqual(plain.name, "plain.conf")
        self.assertEqual(files.mapped("sync_state"), ["waiting", "new", "waiting"])
        template.invalidate_recordset()
        self.assertEqual((template.files_waiting_count, template.files_new_count), (2, 1))
        self.sync()
        self.assertEqual(self.host.files["/etc/moved/web.conf"], (b"new\n", 0o600))
        self.assertEqual(self.host.files["/own/web.conf"], (b"new\n", 0o600))
        self.assertNotIn("/etc/moved/plain.conf", self.host.files)
        template.invalidate_recordset()
        self.assertEqual(template.files_synced_count, 2)

    def test_the_template_says_what_failed(self):
        template = self.template()
        good = self.make(template, auto_sync=True)
        bad = self.make(template, auto_sync=True, server_dir="/bad")
        self.host.failures["/bad/web.conf"] = FileUploadFailed("no space on the device")
        template.code = "new\n"
        self.sync()
        template.invalidate_recordset()
        self.assertEqual((template.files_synced_count, template.files_failed_count), (1, 1))
        [failure] = template.sync_failures
        self.assertEqual((failure["id"], failure["name"]), (bad.id, "/bad/web.conf"))
        self.assertIn("no space", failure["reason"])
        self.assertEqual(good.sync_state, "ok")

    def test_one_dead_host_keeps_nobody(self):
        template = self.template()
        self.make(template, auto_sync=True)
        self.host.connect_error = ConnectTimeout("no answer", "h", 22)
        template.code = "new\n"
        self.sync()
        template.invalidate_recordset()
        self.assertEqual(template.files_failed_count, 1)

    def test_saving_a_template_costs_the_same_however_many_files_follow(self):
        def queries(count):
            template = self.template(name=f"T{count}")
            for number in range(count):
                self.make(template, name=f"f{number}", auto_sync=False)
            self.env.flush_all()
            template.file_ids.with_context(**engine_says(tower_file_quiet=True)).write({"auto_sync": True})
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            template.code = f"new {count}\n"
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        queries(1)
        few = queries(3)
        self.assertLessEqual(queries(40), few)

    def test_a_file_can_leave_its_template(self):
        template = self.template()
        file = self.make(template)
        file.action_unlink_from_template()
        template.code = "new\n"
        self.assertEqual(file.code, "x\n")

    def test_a_copy_follows_only_a_template_that_its_maker_may_read(self):
        (self.root + self.manager).group_ids = [(4, self.env.ref("base.group_user").id)]
        template = self.template(manager_ids=[(6, 0, self.root.ids)], user_ids=[(6, 0, [])])
        self.make(template)
        self.assertEqual(self.server.with_user(self.root).copy().file_ids.template_id, template)
        copy = self.server.with_user(self.manager).copy().file_ids
        self.assertFalse(copy.sudo().template_id)
        self.assertEqual(copy.code, "x\n")

    def test_all_files_of_a_template_are_pushed_by_hand(self):
        template = self.template()
        self.make(template)
        template.action_push_files()
        self.sync()
        self.assertIn("/etc/web/web.conf", self.host.files)

    # ------------------------------------------------------------------ commands

    def test_a_command_makes_the_file_with_the_values_of_its_run(self):
        self.variable("web_port", "80")
        template = self.template(code="port {{ web_port }}\n", mode="600")
        command = self.command(template, path="/srv/{{ web_port }}")
        log = self.run_as(self.manager, command.sudo(), variable_values={"web_port": "8080"})
        self.assertEqual((log.state, log.command_status), ("done", 0), log.message)
        self.assertEqual(self.host.files["/srv/8080/web.conf"], (b"port 8080\n", 0o600))
        self.assertEqual((log.path, log.code), ("/srv/8080/web.conf", "port 8080\n"))
        file = self.server.file_ids
        self.assertEqual((file.template_id, file.host_path), (template, "/srv/8080/web.conf"))
        self.assertEqual((file.name, file.server_dir), ("web.conf", "/srv/{{ web_port }}"))
        self.assertEqual(file.variable_values, {"web_port": "8080"})
        self.assertEqual((file.create_uid, file.sync_state), (self.manager, "ok"))
        self.assertEqual((log.file_ids, file.last_log_id), (file, log))
        template.code = "listen {{ web_port }}\n"
        file.upload()  # renders the same
        self.assertEqual(self.host.files["/srv/8080/web.conf"][0], b"listen 8080\n")

    def test_if_the_file_exists_on_the_host(self):
        template = self.template()
        self.host.files["/etc/web/web.conf"] = (b"there before\n", 0o644)
        log = self.run_as(self.root, self.command(template, if_file_exists="skip"))
        self.assertEqual((log.state, log.command_status), ("done", 0))
        self.assertIn(
            "skipped",
            self.env["cx.tower.command.log.output"].search([("log_id", "=", log.id)]).segments[0][1],
        )
        self.assertFalse(self.server.file_ids)
        log = self.run_as(self.root, self.command(template, if_file_exists="raise"))
        self.assertEqual(log.command_status, ExitCode.FILE_CREATION_FAILED)
        self.assertFalse(self.server.file_ids)
        self.assertEqual(self.host.files["/etc/web/web.conf"][0], b"there before\n")
        log = self.run_as(self.root, self.command(template, if_file_exists="overwrite"))
        self.assertEqual((log.state, self.host.files["/etc/web/web.conf"][0]), ("done", b"x\n"))
        self.assertEqual(len(self.server.file_ids), 1)

    def test_a_file_that_is_missing_on_the_host_is_made_though_tower_knows_it(self):
        template = self.template()
        file = template.create_file(self.server)
        log = self.run_as(self.root, self.command(template, if_file_exists="skip"))
        self.assertEqual(log.state, "done")
        self.assertIn("/etc/web/web.conf", self.host.files)
        self.assertEqual(self.server.file_ids, file)

    def test_disconnected_files_do_not_follow(self):
        template = self.template()
        self.run_as(self.root, self.command(template, disconnect_file=True))
        self.assertFalse(self.server.file_ids.template_id)
        self.assertEqual(self.server.file_ids.code, "x\n")

    def test_a_missing_value_fails_before_anything_is_sent(self):
        log = self.run_as(self.root, self.command(self.template(code="{{ nobody_knows }}")))
        self.assertEqual(log.command_status, ExitCode.RENDERING_FAILED)
        self.assertFalse(self.host.calls)
        self.assertFalse(self.server.file_ids)

    def test_a_command_without_template_is_refused(self):
        with self.assertRaises(ValidationError):
            self.env["cx.tower.command"].create({"name": "No", "action": "file_using_template"})
        hidden = self.env.ref("cetmix_tower_server.command_file_push")
        log = self.run_as(self.root, hidden)
        self.assertEqual(log.command_status, ExitCode.FILE_CREATION_FAILED)

    def test_server_templates_pull(self):
        self.host.files["/var/log/web.log"] = (b"lines\n", 0o644)
        template = self.template(source="server", file_name="web.log", server_dir="/var/log", code=False)
        log = self.run_as(self.root, self.command(template))
        self.assertEqual(log.state, "done", log.message)
        self.assertEqual((self.server.file_ids.code, self.server.file_ids.source), ("lines\n", "server"))
        missing = self.template(
            name="M", source="server", file_name="no.log", server_dir="/var/log", code=False
        )
        log = self.run_as(self.root, self.command(missing))
        self.assertEqual(log.command_status, ExitCode.FILE_DOWNLOAD_FAILED)

    def test_names_that_are_new_each_time_stay_as_they_were(self):
        self.run_as(self.root, self.command(self.template(file_name="{{ tower.tools.uuid }}.conf")))
        file = self.server.file_ids
        self.assertIn(f"/etc/web/{file.name}", self.host.files)
        self.assertNotIn("{{", file.name)
        file.upload()
        self.assertEqual(len(self.host.files), 1)

    # ------------------------------------------------------------------ flight plans

    def test_a_step_makes_the_file_and_what_follows_sees_its_exit_code(self):
        self.variable("_name")
        before = self.python('custom_values["_name"] = "made"')
        template = self.template(file_name="{{ _name }}.conf", code="{{ _name }}\n")
        after = self.python("pass")
        plan = self.plan(before, self.command(template), after)
        run = self.server.run_flight_plan(plan)
        self.assertEqual(run.state, "done", run.message)
        self.assertEqual(self.host.files["/etc/web/made.conf"][0], b"made\n")
        self.assertEqual(self.server.file_ids.variable_values, {"_name": "made"})
        plan.line_ids[1].command_id.if_file_exists = "raise"
        run = self.server.run_flight_plan(plan)
        self.assertEqual((run.state, run.plan_status), ("failed", ExitCode.FILE_CREATION_FAILED))
        plan.line_ids[1].action_ids = [
            (0, 0, {"condition": "==", "value_char": "-400", "action": "ec", "custom_exit_code": 7})
        ]
        self.assertEqual(self.server.run_flight_plan(plan).plan_status, 7)

    def test_a_plan_runs_the_template_as_it_was_when_it_started(self):
        template = self.template()
        plan = self.plan(self.python("pass"), self.command(template))
        with self.nobody_executes():
            run = self.server.run_flight_plan(plan)
        template.code = "changed\n"
        self.execute(run)
        self.assertEqual(run.state, "done", run.message)
        self.assertEqual(self.host.files["/etc/web/web.conf"][0], b"x\n")

    def test_what_changed_in_a_template_is_told_when_a_run_is_resumed(self):
        template = self.template()
        self.host.failures["/etc/web/web.conf"] = FileUploadFailed("no space on the device")
        plan = self.plan(self.command(template))
        run = self.server.run_flight_plan(plan)
        self.assertEqual(run.state, "failed")
        template.write({"file_name": "other.conf", "mode": "600", "code": "y\n"})
        told = str(run.resume_difference())
        for word in ("File name", "other.conf", "Permissions", "600", "+y"):
            self.assertIn(word, told)

    def test_dry_run_shows_content_and_path_and_touches_nothing(self):
        self.variable("web_port", "80")
        plan = self.plan(self.command(self.template(code="port {{ web_port }}\n")))
        report = plan.dry_run(self.server, {"web_port": "1"})
        [line] = report["servers"][0]["lines"]
        self.assertEqual(
            (line["code"], line["path"], line["problems"]), ("port 1\n", "/etc/web/web.conf", [])
        )
        self.assertEqual(line["use_sudo"], "")
        self.server.use_sudo = "n"
        plan.line_ids.command_id.file_template_id.use_sudo = True
        self.assertEqual(
            plan.dry_run(self.server, {"web_port": "1"})["servers"][0]["lines"][0]["use_sudo"], "n"
        )
        self.assertFalse(self.host.calls)

    def test_the_line_shows_the_template_to_those_who_may_read_it(self):
        template = self.template(manager_ids=[(6, 0, [])], user_ids=[(6, 0, [])])
        line = self.plan(self.command(template)).line_ids
        self.assertEqual((line.file_template_id, line.file_template_code), (template, "x\n"))
        self.assertFalse(line.with_user(self.manager).file_template_code)
