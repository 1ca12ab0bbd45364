from odoo import api, fields, models
from odoo.addons.cetmix_tower_server.worker import worker as run_worker
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import format_datetime

from ...engine.asking import COMMAND, LEVEL_OF_AUTHORS, Asking


class CxTowerJet(models.Model):
    """Creating a waypoint and preparing it, in one call."""

    _inherit = "cx.tower.jet"

    def create_waypoint(
        self,
        waypoint_template,
        name=None,
        fly_here=False,
        ignore_busy=False,
        created_from_command_log=None,
        **metadata,
    ):
        """Create a waypoint of this jet and prepare it.

        In the flight plan of an action that runs on this jet, the preparation is a part of that action, and its author decided
        about it. Elsewhere the caller needs the right to create waypoints of the jet, and the jet must be idle.

        :param waypoint_template: record, id or reference of the type
        :param str name: None: the name of the type and the time
        :param bool fly_here: fly to it as soon as it is prepared; not possible in the flight plan of an action
        :param ignore_busy: ignored, accepted for old scripts. The run that the calling code belongs to decides
        :param created_from_command_log: ignored, as ``ignore_busy``
        :param metadata: further arguments are kept as metadata of the waypoint
        :return: the waypoint (a list with its id over RPC), on its way or at its end
        :raise AccessError: the caller may not read the jet, or not create the waypoint
        :raise ValidationError: the type is unknown or of another jet template, or the jet is busy. Nothing was created
        """
        self.ensure_one()
        self.check_access("read")
        action = self.sudo().current_transition_id  # sudo: whether the caller is a part of it
        inside = action in self._transitions_of_this_thread()
        # sudo: inside the flight plan of the jet's own action its author decided, whoever triggered it
        jet = self.sudo() if inside else self
        kind = self.env["cx.tower.jet.waypoint.template"].sudo(jet.env.su)._one_named(waypoint_template)
        asking = Asking(LEVEL_OF_AUTHORS, COMMAND) if inside else Asking(self._level_of_caller())
        if inside and fly_here:
            raise ValidationError(
                self.env._(
                    "Python code in the flight plan of an action cannot let “%s” fly, because the steps that follow would run"
                    " during the flight. Use a step with a command of the type “Create waypoint”, which waits for its end.",
                    self.name,
                )
            )
        vals = {"name": name, "metadata": metadata or False}
        try:
            with self.env.cr.savepoint():
                waypoint = jet._make_waypoint(kind, vals, self._log_of_this_thread())
                waypoint._prepare(asking, bool(fly_here), action if inside else None)
        except AccessError:
            raise
        except UserError as error:
            raise ValidationError(str(error)) from error
        return waypoint.with_env(self.env)

    @api.model
    def _log_of_this_thread(self):
        """Return the command run that the calling code is a part of, as superuser; empty outside of runs."""
        held = run_worker.get(self.env.cr.dbname).held_by_this_thread()
        # sudo: the link is stored with the waypoint; reading the log takes the right to it
        return self.env["cx.tower.command.log"].sudo().browse(held or [])

    def _make_waypoint(self, kind, vals, log):
        """Create a draft, with the rights of the environment.

        :param kind: type of the waypoint
        :param vals: further values; a name is made up if there is none
        :param log: command run that creates it; empty for none
        :return: waypoint
        """
        self.ensure_one()
        vals = {**vals, "jet_id": self.id, "waypoint_template_id": kind.id}
        vals["name"] = vals.get("name") or self._name_of_new_waypoint(kind)
        waypoint = self.env["cx.tower.jet.waypoint"].create(vals)
        # sudo: only the engine says which run created it
        waypoint.sudo()._write_by_movement({"created_from_command_log_id": log.id})
        return waypoint

    @api.model
    def _name_of_new_waypoint(self, kind):
        now = format_datetime(self.env, fields.Datetime.now(), dt_format="yyyy-MM-dd HH:mm")
        return f"{kind.sudo().name} {now}"  # sudo: the name of a type that the caller uses
