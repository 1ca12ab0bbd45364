from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .creating_waypoints import ACTION


class CxTowerScheduledTask(models.Model):
    """Scheduled tasks that create waypoints of a type on their jets, without a command of their own.

    Each run is one of Tower's own command, with the rights that the owner has on that jet then. A busy jet gets a log with the
    reason.
    """

    _inherit = "cx.tower.scheduled.task"

    action = fields.Selection(selection_add=[(ACTION, "Create waypoint")], ondelete={ACTION: "cascade"})
    waypoint_template_id = fields.Many2one(
        "cx.tower.jet.waypoint.template",
        string="Waypoint type",
        ondelete="cascade",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
        help="Type of the waypoints that the task creates on its jets, which must be of its jet template.",
    )

    @api.model
    def _get_command_actions(self):
        return [*super()._get_command_actions(), ACTION]

    @api.model
    def _get_deciding_fields(self):
        return [*super()._get_deciding_fields(), "waypoint_template_id"]

    @api.model
    def _get_linked_access_fields(self):
        return [*super()._get_linked_access_fields(), "waypoint_template_id"]

    @api.depends("waypoint_template_id.name")
    def _compute_target_name(self):
        return super()._compute_target_name()

    @api.depends("waypoint_template_id")
    def _compute_warning_message(self):
        return super()._compute_warning_message()

    @api.constrains("action", "command_id", "plan_id", "waypoint_template_id")
    def _check_target(self):
        creating = self.filtered(lambda task: task.action == ACTION)
        for task in creating:
            if not task.waypoint_template_id:
                raise ValidationError(
                    self.env._("Choose the type of the waypoints that “%s” creates.", task.name)
                )
        return super(CxTowerScheduledTask, self - creating)._check_target()

    @api.constrains("action", "waypoint_template_id", "server_ids", "jet_ids", "jet_template_ids")
    def _check_jets_of_type(self):
        # sudo: compares links whose records the author may read when setting them
        for task in self.sudo().filtered(lambda one: one.action == ACTION and one.waypoint_template_id):
            template = task.waypoint_template_id.jet_template_id
            if task.server_ids or task.server_template_ids:
                raise ValidationError(
                    self.env._(
                        "“%s” creates waypoints, which only jets have. Remove the servers from it.", task.name
                    )
                )
            others = task.with_context(active_test=False).jet_ids.filtered(
                lambda jet, template=template: jet.jet_template_id != template
            )
            if others or task.with_context(active_test=False).jet_template_ids - template:
                raise ValidationError(
                    self.env._(
                        "“%(task)s” can only run on jets of “%(template)s”, because “%(type)s” is a type of their waypoints.",
                        task=task.name,
                        template=template.name,
                        type=task.waypoint_template_id.name,
                    )
                )

    def _get_target(self):
        return self.waypoint_template_id if self.action == ACTION else super()._get_target()

    def _idle_places(self, places, target, outcome):
        # a jet that is still busy with the last waypoint says so itself, in the log of the run
        return places if self.action == ACTION else super()._idle_places(places, target, outcome)

    @api.model
    def _start_runs(self, places, target, request):
        if target._name != "cx.tower.jet.waypoint.template":
            return super()._start_runs(places, target, request)
        command, log_values = target._as_run()
        request = replace(request, log_values={**request.log_values, **log_values})
        return super()._start_runs(places, command, request)
