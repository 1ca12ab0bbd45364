import json
import re

from odoo import api, fields, models
from odoo.exceptions import UserError

from .cx_tower_jet_transition import DELETE

#: What a key of metadata may look like to stand behind ``__waypoint_``.
KEY = re.compile(r"[A-Za-z0-9_]+")
#: Custom values that a key of metadata never replaces.
TAKEN = ("type", "state")


class CxTowerPlanLog(models.Model):
    """Runs of the flight plans of waypoints."""

    _inherit = "cx.tower.plan.log"

    waypoint_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups="cetmix_tower_server.group_manager",
    )

    def _own_metadata(self):
        # sudo: which waypoint the run belongs to; its author decided what the conditions read
        waypoint = self.sudo().top_plan_log_id.jet_transition_id._own_waypoint()
        own = super()._own_metadata()
        return own | {"waypoint": waypoint.metadata or {}} if waypoint else own

    def action_run_again(self):
        """See ``target/action_runs.py``. The flight plan of a waypoint alone would not move it.

        :raise UserError: it is the run of a waypoint
        """
        self.check_access("read")
        # sudo: what it is the run of
        if self.sudo().jet_transition_id.waypoint_movement and not self.sudo().parent_flight_plan_log_id:
            raise UserError(
                self.env._("“%s” belongs to a waypoint. Use the buttons of the waypoint instead.", self.name)
            )
        return super().action_run_again()


class CxTowerCommandLog(models.Model):
    """Steps of the flight plans of waypoints."""

    _inherit = "cx.tower.command.log"

    # Not related: Odoo orders and groups by a related field without looking at its groups.
    waypoint_id = fields.Many2one(
        "cx.tower.jet.waypoint",
        compute="_compute_waypoint_id",
        search="_search_waypoint_id",
        compute_sudo=True,
        groups="cetmix_tower_server.group_manager",
    )

    @api.depends("plan_log_id.waypoint_id")
    def _compute_waypoint_id(self):
        for log in self:
            log.waypoint_id = log.plan_log_id.waypoint_id

    @api.model
    def _search_waypoint_id(self, operator, value):
        return [("plan_log_id.waypoint_id", operator, value)]


class CxTowerJetTransition(models.Model):
    """What the run of a movement's flight plan gets."""

    _inherit = "cx.tower.jet.transition"

    def _plan_log_values(self):
        values = super()._plan_log_values()
        return values | {"waypoint_id": self.waypoint_id.id} if self.waypoint_movement else values

    def _plan_custom_values(self):
        waypoint, values = self._own_waypoint(), super()._plan_custom_values()
        return values | waypoint._get_custom_variable_values() if self.waypoint_movement else values

    def _own_waypoint(self):
        """Return the waypoint to which the flight plan of this movement belongs; empty for none."""
        return self.waypoint_from_id if self._leaves() else self.waypoint_id

    def _leaves(self):
        """Return whether the flight plan of this movement is that of the waypoint that the jet leaves."""
        return self.waypoint_phase == "leave"


class CxTowerJetWaypoint(models.Model):
    """What flight plans know of their waypoint."""

    _inherit = "cx.tower.jet.waypoint"

    def _get_custom_variable_values(self):
        """Return the custom values of this waypoint's flight plans: its reference, type and state, and its metadata by key."""
        self.ensure_one()
        metadata = {
            f"__waypoint_{key}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in (self.metadata or {}).items()
            if KEY.fullmatch(key) and key not in TAKEN
        }
        return metadata | {
            "__waypoint": self.reference,
            "__waypoint_type": self.waypoint_template_id.reference,
            "__waypoint_state": self.state,
        }


class CxTowerVariable(models.Model):
    """``tower.jet.waypoint``: the current waypoint of the jet."""

    _inherit = "cx.tower.variable"

    @api.model
    def _get_jet_system_values(self, jet):
        # sudo: a run may use the facts of its jet, also those a plain user does not see on the form
        waypoint = jet.sudo().waypoint_id
        facts = {
            **(waypoint.metadata or {}),
            "metadata": waypoint.metadata,
            "reference": waypoint.reference,
            "type": waypoint.waypoint_template_id.reference,
        }
        return super()._get_jet_system_values(jet) | {"waypoint": facts if waypoint else {}}


class CxTowerJet(models.Model):
    """``waypoint`` in Python commands, and who may continue the run of a waypoint."""

    _inherit = "cx.tower.jet"

    def _get_python_scopes(self, run):
        scopes = super()._get_python_scopes(run)
        top = run.sudo().plan_log_id.top_plan_log_id  # sudo: which waypoint the run belongs to
        transition = top.jet_transition_id
        if not transition.waypoint_movement:
            return scopes
        waypoint = transition._own_waypoint()
        # sudo: inside the flight plan of the waypoint's own movement its author decides, as for the jet
        waypoint = waypoint.sudo() if self._is_moved_by(run) else waypoint.with_env(self.env)
        return {**scopes, "waypoint": waypoint}

    def _check_may_continue(self, transition):
        """Raise AccessError unless the caller may do with the waypoint what the movement does. Their role on the jet does not count."""
        facts = transition.sudo()  # sudo: which waypoint it is; checked as the caller
        if not facts.waypoint_id:
            return super()._check_may_continue(transition)
        self.check_access("read")
        operation = "unlink" if facts.waypoint_movement == DELETE else "write"
        facts.waypoint_id.with_env(self.env).check_access(operation)
        return None


class CxTowerCommand(models.Model):
    """What Python commands find of waypoints."""

    _inherit = "cx.tower.command"

    @api.model
    def _get_python_command_odoo_objects(self, server, jet_template=None, jet=None, waypoint=None, **scopes):
        names = super()._get_python_command_odoo_objects(server, jet_template, jet, waypoint, **scopes)
        waypoints = self.env["cx.tower.jet.waypoint"]
        names["waypoint"] = {
            "import": waypoint,
            "help": self.env._(
                "waypoint whose flight plan the command is a step of; None elsewhere. There the code may change it."
            ),
        }
        names["tower_waypoints"] = {"import": waypoints, "help": self.env._("waypoints")}
        return names
