import json

from odoo import api, fields, models

from ..engine.own_values import OwnValues, all_texts, masked
from ..engine.results import Secret

# Parts of a record that work goes on with, and that may contain secrets.
SEALED = ("variable_values", "run_input")
# Parts that only tell people.
SHOWN = ("code", "path", "message", "command_error")


class CxTowerSealedMixin(models.AbstractModel):
    """For records that keep own values of a run: what contains a secret's text is kept twice.

    The fields that everybody reads hold it masked, or not at all. What work goes on with is encrypted in ``sealed``, together
    with the secrets that stand in it, so that what is printed later is masked as well. A record without any secret in its
    values has nothing there. Whoever needs the true values asks :meth:`_own_values__` and :meth:`_inputs__`; the two
    underscores keep both out of reach of Python commands.
    """

    _name = "cx.tower.sealed.mixin"
    _description = "Tower sealed values"

    variable_values = fields.Json(string="Own values", readonly=True)
    sealed = fields.Text(
        groups=fields.NO_ACCESS, copy=False, prefetch=False, help="What contains secrets, encrypted."
    )

    def _sealed_place(self):
        """Return what tells this record from all others: what is sealed in it is worth nothing elsewhere."""
        return str(self._origin.id)

    # ------------------------------------------------------------------ reading

    def _own_values__(self):
        """Return the :class:`engine.own_values.OwnValues` of this record as they are.

        :raise engine.results.VaultError: they cannot be decrypted
        """
        document, secrets = self._unseal__()
        return OwnValues(document.get("variable_values", self.sudo().variable_values) or {}, secrets)

    def _inputs__(self):
        """Return (frozen inputs as they are, secrets that stand in them); see :meth:`_own_values__`."""
        document, secrets = self._unseal__()
        return document.get("run_input", self.sudo().run_input) or {}, secrets

    def _unseal__(self):
        """Return (document, secrets) of what is sealed in this record."""
        token = self.sudo().sealed  # sudo: only the engine reads it
        if not token:
            return {}, ()
        text = self.env["cx.tower.vault"]._unseal__(token, self._name, self._sealed_place())
        document = json.loads(text)
        return document, tuple((name, Secret(value)) for name, value in document.pop("secrets"))

    # ------------------------------------------------------------------ writing

    @api.model
    def _seal__(self, values, secrets, place):
        """Return the values of a record as they are stored.

        :param values: {field: value} with true values
        :param secrets: (name, secret) pairs that may stand in them
        :param place: as :meth:`_sealed_place` of the record
        """
        masker = OwnValues({}, tuple(secrets)).masker__
        if not masker.secrets__:
            return values
        stored = dict(values)
        for name in SHOWN:
            if isinstance(stored.get(name), str):
                stored[name] = masker.mask(stored[name])
        true = {name: values[name] for name in SEALED if values.get(name)}
        found = masker.names_in(all_texts(true))
        if not found:
            return stored
        if "variable_values" in true:
            stored["variable_values"] = masked(true["variable_values"], masker)
        if "run_input" in true:
            stored["run_input"] = {
                name: part
                for name, part in true["run_input"].items()
                if not masker.names_in(all_texts({name: part}))
            }
        known = [(name, secret.reveal()) for name, secret in masker.secrets__ if name in found]
        text = json.dumps({**true, "secrets": known})
        return stored | {"sealed": self.env["cx.tower.vault"]._seal__(text, self._name, place)}

    def _changed_own_values__(self, own):
        """Return the {field: value} that give this record other own values; its frozen inputs stay as they are.

        :param own: :class:`engine.own_values.OwnValues`
        """
        document, secrets = self._unseal__()
        values = {"variable_values": dict(own.values) or False}
        if "run_input" in document:
            values["run_input"] = document["run_input"]
        values = self._seal__(values, (*secrets, *own.secrets), self._sealed_place())
        values.pop("run_input", None)  # what is shown of it has not changed
        return {"sealed": False, **values} if document else values

    def write(self, vals):
        if "variable_values" in vals and "sealed" not in vals:
            sealed = self.sudo().filtered("sealed")  # sudo: only the engine knows that there is something
            if sealed:
                super(CxTowerSealedMixin, sealed).write({"sealed": False})  # it was about the values before
        return super().write(vals)
