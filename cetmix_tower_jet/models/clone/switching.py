from odoo import models
from odoo.addons.cetmix_tower_server.models.base.cx_tower_access_mixin import LEVEL_USER
from odoo.tools import SQL

from ...engine.asking import TRANSFER, Asking
from ...engine.taking_over import merge_changes
from ..dependency.cx_tower_jet_request import LIVE as LIVE_REQUESTS
from ..transition.refused import TransitionRefused
from .cx_tower_jet_transfer import CLONING, DESTROYING, SWITCHING

#: What the new jet takes over of the original, as it is then.
TAKEN_OVER = ("user_ids", "manager_ids", "tag_ids", "partner_id", "note", "sequence")


class CxTowerJetTransfer(models.Model):
    """The switch: one transaction in which the new jet takes the place of the original.

    It belongs to the end that leads to it, or to the cron. If the process dies before the commit, nothing has changed.
    """

    _inherit = "cx.tower.jet.transfer"

    def _go_on(self):
        """Switch if both jets are idle and in the same state; otherwise bring the new jet there, or wait."""
        original, new = self.jet_id, self.new_jet_id
        reason = self._why_no_switch()
        if reason:
            self._fail(reason)
            return
        for jet in (original | new).sorted("id"):
            jet._meet_its_end()
        busy = (new | original).filtered(lambda jet: jet._is_busy())[:1]
        if busy:
            text = self.env._("“%(jet)s” is busy: %(busy)s.", jet=busy.name, busy=busy._busy_text())
            self._change(SWITCHING, text)
        elif original.state_id != new.state_id:
            self._follow_state()
        else:
            self._switch()

    def _why_no_switch(self):
        """Return why the new jet can never take the place of the original, as a sentence; "" if it can."""
        original, new, person = self.jet_id, self.new_jet_id, self.user_id
        if not original or not new:
            return self.env._("The original was deleted.") if new else self.env._("The new jet was deleted.")
        for jet in original | new:
            if not jet.active:
                return self.env._("“%s” was archived.", jet.name)
        if not person:
            return self.env._("The person who started it was deleted.")
        if not original.with_user(person).has_access("write"):
            return self.env._(
                "%(person)s may no longer change “%(jet)s”.", person=person.name, jet=original.name
            )
        return ""

    def _follow_state(self):
        """Bring the new jet to the state that the original has now."""
        state = self.jet_id.state_id
        if not state:
            self._fail(self.env._("“%s” is no longer in a state.", self.jet_id.name))
            return
        self._change(CLONING)
        jet = self.new_jet_id.with_user(self.user_id).sudo()  # sudo: as all that the transfer does
        try:
            jet._bring_to_state(state.with_env(jet.env), Asking(self.level, TRANSFER))
        except TransitionRefused as refused:
            self._fail(str(refused))

    # ------------------------------------------------------------------ the switch

    def _switch(self):
        original, new = self.jet_id, self.new_jet_id
        self._exchange_names(original, new)
        for jet in (original, new):
            jet._message_log(
                body=self.env._(
                    "Transferred from “%(before)s” to “%(after)s”.",
                    before=self.server_from_id.name or "",
                    after=self.server_id.name or "",
                )
            )
        new._take_tasks_of(original)
        original.with_context(active_test=False).scheduled_task_ids = False
        self._take_over_values(original, new)
        self._relink(original, new)
        self._change(SWITCHING, switch_date=self.env.cr.now())
        self._go_on_after_switch()

    def _exchange_names(self, original, new):
        """Give the new jet the name, reference and settings of the original, and the original others."""
        settings = {
            "name": original.name,
            "reference": original.reference,
            **{name: self._value_to_write(original, name) for name in TAKEN_OVER},
        }
        if not new.url:
            settings["url"] = original.url
        if original.metadata:
            # those of the new jet describe what is on its own server
            settings["metadata"] = {**original.metadata, **(new.metadata or {})}
        for jet in (original, new):
            jet._write_moves({"kept_reference": jet.host_reference})
        [(base, _given)] = original._get_reference_bases([{}])
        unchanged = {"reference_mixin_override": True}
        original.with_context(**unchanged).write(
            {"name": self.env._("%s (transferred)", original.name), "reference": base}
        )
        original.flush_recordset()  # its reference is free now
        new.with_context(**unchanged).write(settings)

    @staticmethod
    def _value_to_write(jet, name):
        return [(6, 0, jet[name].ids)] if jet._fields[name].type == "many2many" else jet[name] or False

    def _take_over_values(self, original, new):
        """Give the new jet those values that were changed on the original since they were copied."""
        saved = self.env["cx.tower.jet.waypoint"]._values_of_document(self.copied_values)
        before, now, own = (
            {value.variable_id: value for value in values}
            for values in (saved, original._own_values().values(), new._own_values().values())
        )
        merged = merge_changes(before, now, own)
        if merged != own:
            # Users of the jets read the reason of a failure
            new._take_own_values(list(merged.values()), level=LEVEL_USER)

    def _relink(self, original, new):
        """Let the new jet serve what the original served, also on other servers than a dependency asks for."""
        self.env.flush_all()
        # Not over the ORM: a link to a jet on the same server follows that jet, although a new link could not be made.
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_jet_dependency link SET jet_depends_on_id = %(new)s
                    WHERE link.jet_depends_on_id = %(old)s AND link.jet_id != %(new)s
                      AND NOT EXISTS (SELECT FROM cx_tower_jet_dependency other
                                       WHERE other.jet_id = link.jet_id AND other.jet_depends_on_id = %(new)s)
                RETURNING link.jet_id""",
                new=new.id,
                old=original.id,
            )
        )
        dependants = [row[0] for row in self.env.cr.fetchall()]
        self.env.cr.execute(
            SQL(
                """UPDATE cx_tower_jet_request request
                      SET jet_id = CASE WHEN jet_id = %(old)s THEN %(new)s ELSE jet_id END,
                          wanted_jet_id = CASE WHEN wanted_jet_id = %(old)s THEN %(new)s ELSE wanted_jet_id END
                    WHERE (jet_id = %(old)s OR wanted_jet_id = %(old)s)
                      AND (state IN ('new', 'processing')
                           OR EXISTS (SELECT FROM cx_tower_jet_transition waiting
                                       WHERE waiting.id = request.transition_id AND waiting.state = 'waiting'))""",
                new=new.id,
                old=original.id,
            )
        )
        self.env.invalidate_all(flush=False)
        original.browse(dependants)._announce()

    def _go_on_after_switch(self):
        """Destroy the original if that was asked for; then look again at what waits for the new jet."""
        original, new = self.jet_id, self.new_jet_id
        if self.destroy_original and original.state_id:
            self._destroy_original()
        else:
            self._finish()
        requests = self.env["cx.tower.jet.request"]
        requests.search([("jet_id", "=", new.id), ("state", "in", LIVE_REQUESTS)])._look_again()
        new._look_at_new_requests()

    def _destroy_original(self):
        """Begin to destroy the original, in the name of the person. If that is not possible, the switch holds all the same."""
        self._change(DESTROYING)
        original = self.jet_id.with_user(self.user_id).sudo()  # sudo: as all that the transfer does
        try:
            original._bring_to_state(
                self.env["cx.tower.jet.state"].with_env(original.env), Asking(self.level, TRANSFER)
            )
        except TransitionRefused as refused:
            self._fail(str(refused))
