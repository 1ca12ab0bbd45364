from markupsafe import Markup
from odoo import api, fields, models
from odoo.exceptions import UserError

#: Jets that are described one by one, and reasons that are given.
DESCRIBED = 20


class CxTowerJetMoveWizardMixin(models.AbstractModel):
    """Moves several jets. Offered is what is possible on all of them; for the rest the wizard says what prevents it."""

    _name = "cx.tower.jet.move.wizard.mixin"
    _description = "Tower Jet Move Wizard"

    jet_ids = fields.Many2many("cx.tower.jet", string="Jets", required=True)
    preview = fields.Html(string="What will happen", compute="_compute_preview", sanitize=False)
    obstacles = fields.Text(string="Not possible on all of them", compute="_compute_available")
    result = fields.Html(readonly=True, sanitize=False, copy=False)

    # ------------------------------------------------------------------ what the two wizards differ in

    def _choice(self):
        """Return the chosen action or state."""
        raise NotImplementedError

    def _offers_of(self, jet):
        """Return the actions or states that are possible on a jet."""
        raise NotImplementedError

    def _describe(self, jet):
        """Return what the choice would do with a jet."""
        raise NotImplementedError

    def _move(self, jet):
        """Do it. :return: result of :meth:`cx.tower.jet.bring_to_state`"""
        raise NotImplementedError

    # ------------------------------------------------------------------ offers

    def _find_available(self):
        """Return what is possible on all jets, and sentences about what is possible on some of them only."""
        jets = self.jet_ids._origin
        offers = {jet: self._offers_of(jet) for jet in jets}
        some = next(iter(offers.values())).union(*offers.values()) if offers else None
        if not some:
            return some, [self._why_not(jet) for jet in jets[:DESCRIBED]]
        everywhere = some.filtered(lambda one: all(one in found for found in offers.values())).sorted()
        obstacles = []
        for one in (some - everywhere).sorted():
            lacking = jets.filtered(lambda jet, one=one: one not in offers[jet])
            obstacles.append(f"{one.display_name}: {self._why_not(lacking[0], len(lacking) - 1)}")
        return everywhere, obstacles[:DESCRIBED]

    def _why_not(self, jet, others=0):
        """Return why something is not possible on a jet, and on others."""
        if jet.busy_text:
            text = self.env._("“%(jet)s” is busy: %(busy)s", jet=jet.name, busy=jet.busy_text)
        elif not jet.active:
            text = self.env._("“%s” is archived", jet.name)
        else:
            # sudo: the state's name, as on the jet
            state = jet.sudo()._state_text(jet.sudo().state_id)
            text = self.env._("not on “%(jet)s”, which is in state %(state)s", jet=jet.name, state=state)
        if others > 0:
            return self.env._("%(reason)s (and %(count)s other jets)", reason=text, count=others)
        return text

    def _compute_preview(self):
        for wizard in self:
            wizard.preview = wizard._describe_all() if wizard._choice() else False

    def _describe_all(self):
        jets = self.jet_ids._origin
        rows = [(jet, self._describe(jet), "") for jet in jets[:DESCRIBED]]
        table = self._as_table(rows)
        others = len(jets) - len(rows)
        return table + (Markup("<p>%s</p>") % self.env._("And %s other jets.", others) if others else "")

    def _as_table(self, rows):
        """Return rows of (jet, text, CSS class) as a table."""
        line = Markup('<tr><td class="fw-bold pe-3">%s</td><td class="text-prewrap %s">%s</td></tr>')
        body = Markup().join(line % (jet.name, css, text) for jet, text, css in rows)
        return Markup('<table class="table table-sm mb-0 align-top"><tbody>%s</tbody></table>') % body

    # ------------------------------------------------------------------ confirming

    def action_confirm(self):
        """Move the jets. One that cannot be moved does not stop the others.

        :return: action that shows the result for each jet
        :raise UserError: nothing is chosen
        """
        self.ensure_one()
        if not self._choice():
            raise UserError(self.env._("Choose what is to be done with the jets."))
        # The caller's own rights count for each jet, whatever ids the wizard was created with.
        rows = [self._move_one(jet) for jet in self.jet_ids.with_env(self.env)]
        self.result = self._as_table(rows)
        return {
            "type": "ir.actions.act_window",
            "name": self._result_title(rows),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    def _move_one(self, jet):
        try:
            with self.env.cr.savepoint():
                done = self._move(jet)
        except UserError as error:
            return jet, str(error), "text-danger"
        if done["state"] == "failed":
            return jet, done["message"], "text-danger"
        if done["state"] in ("waiting", "running"):
            return jet, self.env._("Started."), ""
        return jet, done["message"] or self.env._("Done."), "text-success"

    def _result_title(self, rows):
        failed = sum(css == "text-danger" for _jet, _text, css in rows)
        if failed:
            return self.env._("%(failed)s of %(all)s jets failed", failed=failed, all=len(rows))
        return self.env._("Started on %s jets", len(rows))


class CxTowerJetStateWizard(models.TransientModel):
    """Brings several jets to a state."""

    _name = "cx.tower.jet.state.wizard"
    _description = "Tower Jet State Wizard"
    _inherit = ["cx.tower.jet.move.wizard.mixin"]

    jet_ids = fields.Many2many(relation="cx_tower_jet_state_wizard_jet_rel")
    state_id = fields.Many2one("cx.tower.jet.state", ondelete="cascade")
    available_state_ids = fields.Many2many(
        "cx.tower.jet.state", compute="_compute_available", export_string_translation=False
    )

    @api.depends("jet_ids")
    def _compute_available(self):
        for wizard in self:
            found, obstacles = wizard._find_available()
            wizard.available_state_ids = found
            wizard.obstacles = "\n".join(obstacles)

    @api.depends("jet_ids", "state_id")
    def _compute_preview(self):
        return super()._compute_preview()

    def _choice(self):
        return self.state_id

    def _offers_of(self, jet):
        # a jet that is there already is no obstacle for the others
        is_idle = jet.active and not jet.busy_text
        return jet.state_available_ids | jet.state_id if is_idle else jet.state_available_ids

    def _describe(self, jet):
        return jet.describe_state(self.state_id)

    def _move(self, jet):
        return jet.bring_to_state(self.state_id)


class CxTowerJetActionWizard(models.TransientModel):
    """Triggers an action on several jets."""

    _name = "cx.tower.jet.action.wizard"
    _description = "Tower Jet Action Wizard"
    _inherit = ["cx.tower.jet.move.wizard.mixin"]

    jet_ids = fields.Many2many(relation="cx_tower_jet_action_wizard_jet_rel")
    action_id = fields.Many2one("cx.tower.jet.action", ondelete="cascade")
    action_available_ids = fields.Many2many(
        "cx.tower.jet.action",
        compute="_compute_available",
        context={"active_test": False},
        export_string_translation=False,
    )

    @api.depends("jet_ids")
    def _compute_available(self):
        for wizard in self:
            found, obstacles = wizard._find_available()
            wizard.action_available_ids = found
            wizard.obstacles = "\n".join(obstacles)

    @api.depends("jet_ids", "action_id")
    def _compute_preview(self):
        return super()._compute_preview()

    def _choice(self):
        return self.action_id

    def _offers_of(self, jet):
        return jet.action_available_ids

    def _describe(self, jet):
        return jet.describe_action(self.action_id)

    def _move(self, jet):
        return self.action_id.with_env(self.env).trigger(jet)
