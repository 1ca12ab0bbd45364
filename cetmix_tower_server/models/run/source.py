from odoo import api, fields, models

from ...engine import states

HIDDEN = ("code", "path", "condition")


def hide_code(values):
    """Move the code of a run, in the values of its log, to fields that only Root may read."""
    for name in HIDDEN:
        if values.get(name):
            values[f"hidden_{name}"] = values.pop(name)


class CxTowerRunMixin(models.AbstractModel):
    """What started a run: a shortcut or a scheduled task, if it was not a person who ran the command or plan itself.

    What opens a command or flight plan to people below its level passes :meth:`_opened_at` with the values of the log.
    """

    _inherit = "cx.tower.run.mixin"

    shortcut_id = fields.Many2one(
        "cx.tower.shortcut", readonly=True, ondelete="set null", index="btree_not_null"
    )
    shortcut_level = fields.Char(
        readonly=True,
        export_string_translation=False,
        help=(
            "Access level of what opened the run to people who may not run its command or flight plan: of the shortcut, or of"
            " what an addon adds, when it started the run."
        ),
    )
    is_code_hidden = fields.Boolean(
        string="Code is hidden",
        readonly=True,
        help="Started by something, such as a shortcut, whose access level is lower than that of its command or flight plan:"
        " people may run it without seeing its code.",
    )
    scheduled_task_id = fields.Many2one(
        "cx.tower.scheduled.task",
        readonly=True,
        ondelete="set null",
        groups="cetmix_tower_server.group_manager",
    )

    # Serves the look-up of a task's runs, and the foreign key.
    _of_task = models.Index("(scheduled_task_id, queued_date) WHERE scheduled_task_id IS NOT NULL")
    _active_of_task = models.Index(
        "(scheduled_task_id, server_id) WHERE scheduled_task_id IS NOT NULL"
        " AND state IN ('queued', 'running', 'waiting')"
    )

    @api.model
    def _opened_at(self, level, target):
        """Return the values of the log of a run that something opens to people below the level of what it runs.

        The run then has that level, and the code of what is above it is hidden.

        :param level: access level of what opens it
        :param target: command or flight plan
        """
        return {"shortcut_level": level, "is_code_hidden": (target.access_level or "3") > level}

    def _level_of_run(self, target_level):
        """Return the access level of a run: that of its command or plan, or of the shortcut that opened it."""
        level = target_level or "3"
        if not self.shortcut_level:
            return level
        return self.shortcut_level if self.is_code_hidden else max(level, self.shortcut_level)

    def _source_of_inner(self, plan):
        """Return the values that a flight plan run inside this run inherits: what is hidden here is hidden there."""
        if not self.shortcut_level:
            return {}
        hidden = self.is_code_hidden or (plan.access_level or "3") > self.shortcut_level
        return {
            "shortcut_id": self.shortcut_id.id,
            "shortcut_level": self.shortcut_level,
            "is_code_hidden": hidden,
        }

    @api.model
    def _get_log_action(self):
        """Return the external id of the window action that shows these logs. Overridden by both kinds of logs."""
        return ""

    def _has_been_executed(self):
        """Return whether anything of this run was ever handed to a lane. Overridden by both kinds of logs."""
        return False

    def _never_began(self):
        """Return those of these runs that ended without being executed: refused, or with nothing to do."""
        # sudo: whoever started a run is told whether it began, also where its log is above their level
        return self.filtered(
            lambda run: run.sudo().state in states.FINISHED and not run.sudo()._has_been_executed()
        )

    def _started_text(self, name, failures):
        """Return a sentence about how many of the requested runs were started.

        :param name: of what runs; "" for several things
        """
        begun, wanted = len(self - self._never_began()), len(self) + len(failures)
        if wanted == 1:
            texts = [self.env._("“%s” was not started."), self.env._("“%s” was started.")]
            return texts[begun] % name if name else self.env._("%s runs were started.", begun)
        numbers = {"begun": begun, "wanted": wanted, "name": name}
        if not name:
            return self.env._("%(begun)s of %(wanted)s runs were started.", **numbers)
        return self.env._("%(begun)s of %(wanted)s runs of “%(name)s” were started.", **numbers)

    def _started_notification(self, name, failures=()):
        """Return the notification that says which runs were started, which were not and why, with a link to them.

        :param name: of what was to be started; "" for several things
        :param failures: sentences about what has no run because it could not even be tried
        """
        text = self._started_text(name, failures)
        # sudo: as in _never_began
        problems = [*failures, *(run.message or "" for run in self._never_began().sudo())]
        path = self.env["ir.actions.act_window"]._for_xml_id(self._get_log_action())["path"]
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if problems else "success",
                "sticky": bool(problems),
                # the client puts the link in place of "%s"
                "message": " ".join([text, *problems]).replace("%", "%%") + " %s",
                "links": [
                    {
                        "label": self.env._("Watch it") if len(self) == 1 else self.env._("Open the log"),
                        "url": f"/odoo/{path}/{self.id}" if len(self) == 1 else f"/odoo/{path}",
                    }
                ],
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
