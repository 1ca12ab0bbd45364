from odoo import api, fields, models


class CxTowerVariableValue(models.Model):
    """Values of jets and of jet templates."""

    _inherit = "cx.tower.variable.value"

    jet_id = fields.Many2one("cx.tower.jet", ondelete="cascade", index="btree_not_null")
    jet_template_id = fields.Many2one(
        "cx.tower.jet.template", string="Jet template", ondelete="cascade", index="btree_not_null"
    )

    _one_per_jet = models.UniqueIndex(
        "(variable_id, jet_id) WHERE jet_id IS NOT NULL", "This jet already has a value of this variable."
    )
    _one_per_jet_template = models.UniqueIndex(
        "(variable_id, jet_template_id) WHERE jet_template_id IS NOT NULL",
        "This jet template already has a value of this variable.",
    )

    @api.model
    def _get_owner_fields(self):
        return [*super()._get_owner_fields(), "jet_id", "jet_template_id"]


class CxTowerVariable(models.Model):
    """The scopes of jets and of jet templates, before that of the server."""

    _inherit = "cx.tower.variable"

    @api.model
    def _get_scopes(self, jet=None, jet_template=None, **scopes):
        own = [(name, record) for name, record in (("jet", jet), ("jet_template", jet_template)) if record]
        return [*own, *super()._get_scopes(**scopes)]

    @api.model
    def _get_system_variable_values(self, jet=None, jet_template=None, **scopes):
        values = super()._get_system_variable_values(**scopes)
        return values | {
            "jet": self._get_jet_system_values(jet) if jet else {},
            "jet_template": self._get_jet_template_system_values(jet_template) if jet_template else {},
        }

    @api.model
    def _get_jet_system_values(self, jet):
        # sudo: a run may use the facts of its jet, also those a plain user does not see on the form
        jet = jet.sudo()
        values = {
            "name": jet.name,
            "reference": jet.reference,
            "url": jet.url,
            "state": jet.state,  # the transit state while an action runs
            "cloned_from": jet.jet_cloned_from_id.reference,
            "metadata": jet.metadata,
            **self._split_url(jet.url),
        }
        return {name: value or None for name, value in values.items()} | {"waypoint": {}}

    @api.model
    def _get_jet_template_system_values(self, jet_template):
        jet_template = jet_template.sudo()  # sudo: as for the jet
        return {"name": jet_template.name, "reference": jet_template.reference}
