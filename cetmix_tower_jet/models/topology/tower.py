from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .cx_tower_jet import LIMIT

#: Filters: {argument: field of the jet}
FILTERS = {
    "servers": "server_id",
    "jet_templates": "jet_template_id",
    "tags": "tag_ids",
    "partners": "partner_id",
}


class CetmixTower(models.AbstractModel):
    """The topology of all jets."""

    _inherit = "cetmix.tower"

    @api.model
    def get_topology(self, servers=None, jet_templates=None, tags=None, partners=None, jets=None):
        """Return the jets that the caller may read, with their servers and dependencies, as plain values.

        Each filter is a list of ids or references (partners: ids); a jet must match one element of each filter that is passed.

        :param jets: ids of jets: only these are returned, for a screen that already shows the others. Those that are not
            returned no longer exist, do not match, or may not be read
        :return: dict:

            * ``jets``: dicts of ``id``, ``name``, ``reference``, ``server_id``, ``template``, ``state`` (name, "" for none),
              ``state_reference``, ``color``, ``movement`` (idle, busy, problem), ``busy_text``, ``problem``, ``unmet_text`` ("" for
              none), ``hidden_needs`` and ``hidden_serves`` (how many jets that the caller may not read it needs, and how many need
              it), ``hidden_needs_unmet`` (one of them is not in the needed state), ``marks`` (list of ``id``, ``icon``, ``text``)
            * ``links``: dicts of ``id``, ``jet_id``, ``needs_id``, ``template`` and ``state`` (names of what is needed), ``is_unmet``.
              Either end may be a jet that does not match the filters, but never one that the caller may not read
            * ``missing``: dependencies without a jet: ``jet_id``, ``dependency_id``, ``template``, ``state``, ``is_unmet`` (it is needed
              now)
            * ``servers``: ``id``, ``name``
            * without ``jets`` also ``total`` (jets that match), ``limit`` (jets that are returned at most), and ``choices``: for each
              filter, ``id``, ``name`` and ``count`` of what it can be set to
        :raise AccessError: the caller may not read jets at all
        :raise ValidationError: a filter contains something that does not exist
        """
        Jet = self.env["cx.tower.jet"]
        Jet.check_access("read")
        values = {"servers": servers, "jet_templates": jet_templates, "tags": tags, "partners": partners}
        domain = Domain.AND(
            Domain(FILTERS[name], "in", self._topology_filter(name, value).ids)
            for name, value in values.items()
            if value
        )
        if jets is not None:
            return Jet.search(domain & Domain("id", "in", self._ids_argument(jets)))._topology()
        found = Jet.search(domain, order="server_id, name, id", limit=LIMIT)
        total = len(found) if len(found) < LIMIT else Jet.search_count(domain)
        return found._topology() | {"total": total, "limit": LIMIT, "choices": self._topology_choices()}

    @api.model
    def _ids_argument(self, ids):
        if not isinstance(ids, (list, tuple)) or not all(type(one) is int for one in ids):
            raise ValidationError(self.env._("Pass a list of IDs of jets."))
        return list(ids)

    @api.model
    def _topology_filter(self, name, values):
        """Return the records that a filter names. Nothing of them is returned: jets of theirs are, if the caller may read them.

        :raise ValidationError: there is no such record
        """
        Model = self.env[self.env["cx.tower.jet"]._fields[FILTERS[name]].comodel_name]
        if name != "partners":
            return Model._find_named(values)
        return Model.browse(self._ids_argument(values))

    @api.model
    def _topology_choices(self):
        """Return {filter: what the jets that the caller may read have there}."""
        Jet = self.env["cx.tower.jet"]
        choices = {}
        for name, field in FILTERS.items():
            groups = [
                (record.sudo(), count)
                for record, count in Jet._read_group([], [field], ["__count"])
                if record
            ]
            # sudo: names that the caller reads on the jets
            rows = [{"id": one.id, "name": one.display_name, "count": count} for one, count in groups]
            choices[name] = sorted(rows, key=lambda row: (row["name"].casefold(), row["id"]))
        return choices
