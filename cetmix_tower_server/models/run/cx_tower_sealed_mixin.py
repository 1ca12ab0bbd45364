import json

from odoo import api, fields, models

from ...engine.secret import Secret
from ...engine.values.custom import CustomValues, all_texts, masked

# Fields that are only shown: masked, nothing else.
SHOWN = ("code", "path", "message", "command_error")


class CxTowerSealedMixin(models.AbstractModel):
    """For records that keep the custom values of a run. Values that contain a secret's text are kept twice.

    The fields that people read hold them masked, or not at all. The true values are encrypted in ``sealed``, together with
    the secrets they contain, so that later output is masked as well. Frozen inputs are in ``sealed_input``: they never
    change and may be long, so reading the custom values at each step must not decrypt them. A record without secrets in
    its values has both fields empty. Code that needs the true values calls :meth:`_custom_values__` and :meth:`_inputs__`;
    the two underscores keep both out of reach of Python commands.
    """

    _name = "cx.tower.sealed.mixin"
    _description = "Tower sealed values"

    variable_values = fields.Json(string="Custom values", readonly=True)
    sealed = fields.Text(
        groups=fields.NO_ACCESS,
        copy=False,
        prefetch=False,
        help="Custom values that contain secrets, encrypted.",
    )

    sealed_input = fields.Text(
        groups=fields.NO_ACCESS,
        copy=False,
        prefetch=False,
        help="Parts of the frozen inputs that contain secrets, encrypted.",
    )

    def _sealed_place(self):
        """Return what identifies this record: its ciphertext is bound to it and cannot be decrypted for another one."""
        return str(self._origin.id)

    @api.model
    def _sealed_places(self, place):
        """Return {column: what its ciphertext is bound to} for a record.

        :param place: as of :meth:`_sealed_place`
        """
        return {"sealed": place, "sealed_input": f"{place} inputs"}

    # ------------------------------------------------------------------ reading

    def _custom_values__(self):
        """Return the :class:`engine.values.custom.CustomValues` of this record, unmasked.

        :raise engine.errors.VaultError: they cannot be decrypted
        """
        document, secrets = self._unseal__()
        # sudo: for the engine; callers decide who is shown the values, and masked how
        return CustomValues(document.get("variable_values", self.sudo().variable_values) or {}, secrets)

    def _inputs__(self):
        """Return (frozen inputs, unmasked; the secrets they contain); see :meth:`_custom_values__`."""
        _document, secrets = self._unseal__()
        run = self.sudo()  # sudo: the inputs are nobody's to read; the engine needs them to execute the run
        inputs = run.run_input or {}
        if secrets and run.sealed_input:
            inputs = inputs | json.loads(self._unseal_column__("sealed_input"))
        return inputs, secrets

    def _unseal__(self):
        """Return (document, secrets) that are sealed in this record, without its frozen inputs.

        The document has ``in_inputs``: names of the secrets that stand in those; and ``variable_values``, if any stands in them.
        """
        if not self.sudo().sealed:  # sudo: as in _inputs__
            return {}, ()
        document = json.loads(self._unseal_column__("sealed"))
        return document, tuple((name, Secret(value)) for name, value in document.pop("secrets"))

    def _unseal_column__(self, column):
        # sudo: nobody may read the column; only the engine gets what is in it
        place = self._sealed_places(self._sealed_place())[column]
        return self.env["cx.tower.vault"]._unseal__(self.sudo()[column], self._name, place)

    # ------------------------------------------------------------------ writing

    @api.model
    def _seal__(self, values, secrets, place, in_inputs=()):
        """Return the values of a record as they are stored: masked, with the true ones encrypted.

        :param values: {field: value} with true values
        :param secrets: (name, secret) pairs that may stand in them
        :param place: as :meth:`_sealed_place` of the record
        :param in_inputs: names of the secrets that stand in frozen inputs which are sealed already
        """
        masker = CustomValues({}, tuple(secrets)).masker__
        if not masker.secrets__:
            return values
        stored = dict(values)
        for name in SHOWN:
            if isinstance(stored.get(name), str):
                stored[name] = masker.mask(stored[name])
        documents = {}
        inputs = values.get("run_input") or {}
        found = {name: masker.names_in(all_texts({name: part})) for name, part in inputs.items()}
        in_inputs = set().union(in_inputs, *found.values())
        if any(found.values()):
            stored["run_input"] = {name: part for name, part in inputs.items() if not found[name]}
            documents["sealed_input"] = {name: part for name, part in inputs.items() if found[name]}
        own = values.get("variable_values")
        in_own = set(masker.names_in(all_texts(own)) if own else ())
        if not in_inputs | in_own:
            return stored
        known = [(name, secret.reveal()) for name, secret in masker.secrets__ if name in in_inputs | in_own]
        documents["sealed"] = {"in_inputs": sorted(in_inputs), "secrets": known}
        if in_own:
            stored["variable_values"] = masked(own, masker)
            documents["sealed"]["variable_values"] = own
        return stored | self._sealed_columns__(documents, place)

    @api.model
    def _sealed_columns__(self, documents, place):
        places, vault = self._sealed_places(place), self.env["cx.tower.vault"]
        return {
            column: vault._seal__(json.dumps(document), self._name, places[column])
            for column, document in documents.items()
        }

    def _changed_custom_values__(self, own):
        """Return the {field: value} that change the custom values of this record; its frozen inputs stay the same.

        :param own: :class:`engine.values.custom.CustomValues`
        """
        document, secrets = self._unseal__()
        values = self._seal__(
            {"variable_values": dict(own.values) or False},
            (*secrets, *own.secrets),
            self._sealed_place(),
            document.get("in_inputs", ()),
        )
        return {"sealed": False, **values} if document else values

    def write(self, vals):
        if "variable_values" in vals and "sealed" not in vals:
            # sudo: only finds out whether there is something to empty
            sealed = self.sudo().filtered("sealed")
            if sealed:
                super(CxTowerSealedMixin, sealed).write({"sealed": False})  # it belonged to the former values
        return super().write(vals)
