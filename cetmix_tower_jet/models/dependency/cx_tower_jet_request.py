from odoo import api, fields, models
from odoo.exceptions import ValidationError

NEW, PROCESSING, SUCCESS, FAILED = "new", "processing", "success", "failed"
LIVE = (NEW, PROCESSING)


class CxTowerJetRequest(models.Model):
    """A jet of a template is needed in a certain state: by a transition that waits for it, or by whoever created the request.

    See ``docs/developer/jets.md``.
    """

    _name = "cx.tower.jet.request"
    _description = "Tower Jet Request"
    _inherit = ["cx.tower.rights.mixin"]
    _rec_names_search = ("jet_template_id", "jet_id")
    _order = "id desc"

    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="cascade", index=True)
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    state_requested_id = fields.Many2one(
        "cx.tower.jet.state",
        string="Requested state",
        required=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    jet_id = fields.Many2one("cx.tower.jet", string="Served by", ondelete="set null", index="btree_not_null")
    wanted_jet_id = fields.Many2one(
        "cx.tower.jet",
        string="Only by",
        ondelete="cascade",
        index="btree_not_null",
        help="Only this jet can serve the request. Empty: any jet of the template.",
    )
    requested_by_jet_id = fields.Many2one(
        "cx.tower.jet", string="Requested by", ondelete="cascade", index="btree_not_null"
    )
    transition_id = fields.Many2one(
        "cx.tower.jet.transition",
        string="For transition",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    for_dependency_id = fields.Many2one(
        "cx.tower.jet.dependency", string="For dependency", ondelete="set null", index="btree_not_null"
    )
    state = fields.Selection(
        [(NEW, "New"), (PROCESSING, "Processing"), (SUCCESS, "Success"), (FAILED, "Failed")],
        required=True,
        default=NEW,
        index=True,
        readonly=True,
    )
    message = fields.Text(readonly=True)
    finish_date = fields.Datetime(string="Ended", readonly=True)

    _live_of_jet = models.Index("(jet_id) WHERE state IN ('new', 'processing')")
    _live_of_template = models.Index("(jet_template_id, server_id) WHERE state = 'new'")
    _live = models.Index("(id) WHERE state IN ('new', 'processing')")

    @api.depends("jet_template_id", "state_requested_id")
    def _compute_display_name(self):
        for request in self:
            request.display_name = (
                f"{request.jet_template_id.name or ''} ({request.state_requested_id.name or ''})"
            )

    # ------------------------------------------------------------------ creating

    @api.model_create_multi
    def create(self, vals_list):
        """Create requests. What can serve those that belong to no transition is looked for at once."""
        requests = super().create(vals_list)
        alone = requests.filtered(lambda request: request.state == NEW and not request.transition_id)
        # sudo: Root creates requests; what serves them is moved as any request is, with the creator's access to jets
        alone.sudo()._resolve()
        return requests

    @api.model
    def _create_request(
        self, server, jet=None, jet_template=None, state=None, requested_by_jet=None, for_dependency=None
    ):
        """Ask for a jet in a state.

        :param server: where it is to be
        :param jet: the only jet that may serve the request; None: any of the template
        :param jet_template: template; None: that of the jet
        :param state: state; None: where the template's create action leads
        :param requested_by_jet: jet that needs it; its ``_on_jet_request_completed`` is called at the end
        :param for_dependency: its ``cx.tower.jet.dependency``, which gets the jet
        :return: the request; it may have ended already
        :raise ValidationError: neither jet nor template, or no state
        """
        template = jet_template or (jet and jet.jet_template_id)
        state = state or (template and template.sudo().action_create_id.state_to_id)  # sudo: a state
        if not template or not state:
            raise ValidationError(
                self.env._("A jet request needs a jet or a jet template, and the state that it is to be in.")
            )
        # sudo: who calls this in code may ask for jets
        return self.sudo().create(
            {
                "server_id": server.id,
                "jet_template_id": template.id,
                "state_requested_id": state.id,
                "wanted_jet_id": jet.id if jet else False,
                "requested_by_jet_id": requested_by_jet.id if requested_by_jet else False,
                "for_dependency_id": for_dependency.id if for_dependency else False,
            }
        )

    # ------------------------------------------------------------------ facts

    def _person(self):
        """Return the person for whom a jet is looked for; empty when it was deleted."""
        return self.transition_id.user_id if self.transition_id else self.create_uid

    def _need(self):
        """Return the template dependency that this request is for; empty for none."""
        asker = self.requested_by_jet_id
        if self.for_dependency_id:
            return self.for_dependency_id.jet_template_dependency_id
        Need = self.env["cx.tower.jet.template.dependency"]
        if not asker:
            return Need
        return Need.search(
            [
                ("template_id", "=", asker.jet_template_id.id),
                ("template_required_id", "=", self.jet_template_id.id),
            ],
            limit=1,
        )

    @api.model
    def _live_for(self, needs):
        """Return the live requests of transitions for these template dependencies."""
        Request = self.browse()
        for need in needs:
            Request |= self.search(
                [
                    ("state", "in", LIVE),
                    ("transition_id", "!=", False),
                    ("jet_template_id", "=", need.template_required_id.id),
                    ("requested_by_jet_id.jet_template_id", "=", need.template_id.id),
                ]
            )
        return Request

    # ------------------------------------------------------------------ the end

    def _finalize(self, failed=False, message=""):
        """End these requests, and do what follows: the transitions that wait for them go on, or fail.

        :param failed: no jet is in the requested state
        :param message: why, as the end of the sentence "“Shop” waits for “Database”: ..."
        """
        ended = self._close(failed, message)
        if failed:
            ended._fail_transitions()
        else:
            ended.transition_id._continue_if_met()

    def _close(self, failed, message=""):
        """Record the end of these requests, and store the links. The waiting transitions do not go on yet.

        :return: those that this call ended
        """
        live = self.filtered(lambda request: request.state in LIVE)
        live.write(
            {
                "state": FAILED if failed else SUCCESS,
                "message": message,
                "finish_date": fields.Datetime.now(),
            }
        )
        if not failed:
            live._store_links()
        for request in live:
            request.requested_by_jet_id._on_jet_request_completed(request)
        return live

    def _drop(self, message):
        """End these requests because nobody needs their jets any more; the transitions go on with what is left."""
        self._close(True, message).transition_id._continue_if_met()

    def _store_links(self):
        """Link the jets that serve these requests to those that asked; one write for each jet that serves."""
        for jet, requests in self.filtered("requested_by_jet_id").grouped("jet_id").items():
            if jet:
                links = requests._links_to_store(jet)
                links.filtered(lambda link: link.jet_depends_on_id != jet)._serve_with(jet)  # noqa: B023

    def _links_to_store(self, jet):
        """Return the links that get a jet. :param jet: the one that serves these requests"""
        found = self.env["cx.tower.jet.dependency"]
        for request in self:
            asker, need = request.requested_by_jet_id, request._need()
            if not need:
                continue
            links = asker.jet_requires_ids
            link = links.filtered(lambda one: one.jet_template_dependency_id == need)  # noqa: B023
            # one that somebody made by hand, without the dependency, would be a second link to the same jet
            (links - link).filtered(lambda one: one.jet_depends_on_id == jet).unlink()
            link = link or asker._create_dependencies().filtered(
                lambda one: one.jet_template_dependency_id == need  # noqa: B023
            )
            request.for_dependency_id = link
            found |= link
        return found

    def _fail_transitions(self):
        """Fail the transitions that wait for these requests, each with the whole chain in one sentence."""
        for request in self:
            request.transition_id._fail_waiting(request._failure_text())

    def _failure_text(self):
        """Return why the transition of this request fails: "“Shop” waits for “Database”: ..."."""
        return self.env._(
            "“%(jet)s” waits for “%(needed)s”: %(reason)s",
            jet=self.requested_by_jet_id.name or "",
            needed=self._needed_name(),
            reason=self.message or "",
        )

    def _needed_name(self):
        """Return what is needed, for a sentence: the jet, or its template if the person may not read the jet."""
        person = self._person()
        may_read = self.jet_id and person and self.jet_id.with_user(person).has_access("read")
        return self.jet_id.name if may_read else self.jet_template_id.name

    def unlink(self):
        waiting = self.filtered(
            lambda request: request.state in LIVE
        ).transition_id.sudo()  # sudo: as in create
        result = super().unlink()
        waiting._continue_if_met()
        return result


class CxTowerJet(models.Model):
    """What a jet does for requests."""

    _inherit = "cx.tower.jet"

    served_jet_request_id = fields.Many2one(
        "cx.tower.jet.request",
        compute="_compute_served_jet_request_id",
        groups="cetmix_tower_server.group_root",
        help="The oldest request that this jet is on its way for.",
    )

    @api.depends("current_transition_id")
    def _compute_served_jet_request_id(self):
        # sudo: the field is for Root only
        groups = (
            self.env["cx.tower.jet.request"]
            .sudo()
            ._read_group([("jet_id", "in", self.ids), ("state", "=", PROCESSING)], ["jet_id"], ["id:min"])
        )
        first = {jet.id: request_id for jet, request_id in groups}
        for jet in self:
            jet.served_jet_request_id = first.get(jet.id, False)

    def _on_jet_request_completed(self, request):
        """Hook, called when a request of this jet has ended, in the transaction that ended it. Empty without a requester.

        :param request: ``cx.tower.jet.request``; its ``state`` says how
        """
