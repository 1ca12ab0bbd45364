from odoo import api, models


class CxTowerTargetLinkMixin(models.AbstractModel):
    """For what belongs to one run target (``cx.tower.run.target.mixin``): runs, files, server logs.

    ``server_id`` is where work is done; the target may be something more specific that has its place there.
    """

    _name = "cx.tower.target.link.mixin"
    _description = "Tower target link mixin"

    @api.model
    def _get_target_fields(self):
        """Return the links to targets, from the most to the least specific. Extension point.

        An addon that adds a kind of target adds a many2one to models that inherit this one, and puts it in front.
        """
        return ["server_id"]

    @api.model
    def _target_field(self, targets):
        """Return the link to targets of this kind."""
        names = {self._fields[name].comodel_name: name for name in self._get_target_fields()}
        return names[targets._name]

    @api.model
    def _target_in(self, vals):
        """Return the target that the values of a new record name; an empty recordset when they name none."""
        names = [*self._get_target_fields(), "server_id"]
        name = next((name for name in names if vals.get(name)), "server_id")
        return self.env[self._fields[name].comodel_name].browse(vals.get(name) or [])

    @api.model
    def _values_on(self, target):
        """Return {field: value} that make a record belong to a target. Extension point for what follows from it."""
        return {"server_id": target._run_server().id, self._target_field(target): target.id}

    @api.model
    def _domain_on(self, targets):
        """Return the domain of the records that belong to one of these targets, which are of one kind."""
        names = self._get_target_fields()
        own = self._target_field(targets)
        return [
            *((name, "=", False) for name in names[: names.index(own)]),
            (own, "in", targets.ids),
        ]

    def _run_target(self):
        """Return what this record belongs to: the most specific target that is set; an empty recordset when none is."""
        self.ensure_one()
        return next((self[name] for name in self._get_target_fields() if self[name]), self.server_id)
