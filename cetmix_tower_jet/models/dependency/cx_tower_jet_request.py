from odoo import fields, models


class CxTowerJetRequest(models.Model):
    """A jet needs a jet of another template in a certain state. See ``docs/developer/jets.md``."""

    _name = "cx.tower.jet.request"
    _description = "Tower Jet Request"
    _order = "id desc"

    server_id = fields.Many2one("cx.tower.server", required=True, ondelete="cascade", index=True)
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", required=True, ondelete="cascade", index=True
    )
    state_requested_id = fields.Many2one(
        "cx.tower.jet.state", string="Requested state", ondelete="restrict", index="btree_not_null"
    )
    jet_id = fields.Many2one("cx.tower.jet", string="Served by", ondelete="set null", index="btree_not_null")
    requested_by_jet_id = fields.Many2one(
        "cx.tower.jet", string="Requested by", ondelete="cascade", index="btree_not_null"
    )
    transition_id = fields.Many2one(
        "cx.tower.jet.transition", string="For transition", ondelete="cascade", index="btree_not_null"
    )
    for_dependency_id = fields.Many2one(
        "cx.tower.jet.dependency", string="For dependency", ondelete="set null", index="btree_not_null"
    )
    state = fields.Selection(
        [("new", "New"), ("processing", "Processing"), ("success", "Success"), ("failed", "Failed")],
        required=True,
        default="new",
        index=True,
    )
    message = fields.Text()
    finish_date = fields.Datetime(string="Ended")

    _live_of_jet = models.Index("(jet_id) WHERE state IN ('new', 'processing')")
    _live_of_template = models.Index("(jet_template_id, server_id) WHERE state = 'new'")
    _live = models.Index("(id) WHERE state IN ('new', 'processing')")
