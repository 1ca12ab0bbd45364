import builtins
import sys

from odoo import api, models
from odoo.exceptions import AccessError, ValidationError

from ...engine.errors import VaultError

#: Shown by a secret field that has a value. Writing it back changes nothing.
PLACEHOLDER = "*****"


def is_called_by_evaluated_code():
    """Return whether the call stack contains code that was evaluated with its own builtins, as by ``safe_eval``."""
    frame = sys._getframe(1)
    while frame:
        if frame.f_builtins is not vars(builtins):
            return True
        frame = frame.f_back
    return False


class CxTowerVaultMixin(models.AbstractModel):
    """For models with secret fields, declared as ``SecretChar`` or ``SecretText`` and named in ``SECRET_FIELDS``.

    A value goes from create() or write() straight to the vault and never into the record's cache, so no interface can read
    it back: read, export, copy, search, tracking and the result of create() give ``*****`` or False.
    """

    _name = "cx.tower.vault.mixin"
    _description = "Tower vault mixin"

    SECRET_FIELDS = ()

    # ------------------------------------------------------------------ reading

    def _compute_secret_fields(self):
        stored = self.env["cx.tower.vault"]._get_stored_fields(self._name, self._origin.ids)
        for record in self:
            names = stored.get(record._origin.id, ())
            for name in self.SECRET_FIELDS:
                record[name] = PLACEHOLDER if name in names else False

    def _get_secret_values__(self, fields=None):
        """Return {id: {field: Secret}} of the stored values; one query.

        :param fields: names of secret fields; None for all
        :raise VaultError: one of them cannot be decrypted
        """
        names = (
            self.SECRET_FIELDS if fields is None else [name for name in fields if name in self.SECRET_FIELDS]
        )
        return self.env["cx.tower.vault"]._read_values__(self._name, self.ids, names)

    def _get_secret_value__(self, field_name):
        """Return the value of one secret field of this record as a Secret, or None."""
        self.ensure_one()
        return self._get_secret_values__([field_name])[self.id].get(field_name)

    def _get_secret_value(self, field_name):
        """Return the clear text of one secret field of this record, or None. For modules and shells that run as superuser.

        Evaluated code (Python commands, server actions, templates) never gets it, not even through a module that it calls.
        It gets secrets only by ``#!cxtower.secret.<reference>!#``, where they are masked.

        :param field_name: one of ``SECRET_FIELDS``
        :raise AccessError: the caller is not superuser, or is evaluated code
        :raise ValidationError: there is no such field, or the value cannot be decrypted
        """
        self.ensure_one()
        if not self.env.su or is_called_by_evaluated_code():
            raise AccessError(
                self.env._(
                    "Secrets are never shown: only code of modules that runs as superuser can read them. In commands, use the"
                    " code of the secret, such as %s.",
                    "#!cxtower.secret.reference!#",
                )
            )
        if field_name not in self.SECRET_FIELDS:
            raise ValidationError(
                self.env._(
                    "%(model)s has no secret field “%(field)s”.", model=self._description, field=field_name
                )
            )
        try:
            secret = self._get_secret_value__(field_name)
        except VaultError as error:
            raise ValidationError(str(error)) from error
        return secret.reveal() if secret else None

    def _is_secret_value_set(self, field_name):
        """Return whether this record has a value in a secret field."""
        self.ensure_one()
        return bool(self[field_name])

    # ------------------------------------------------------------------ writing

    def _set_secret_values(self, vals):
        """Give all these records the same secret values.

        :param vals: {field: text, or False to remove it}
        """
        self._store_secret_values({record.id: vals for record in self})

    def _store_secret_values(self, values):
        """Store different secret values for these records. Overridden by models that check them first.

        :param values: {id: {field: text, or False to remove it}}
        """
        self.env["cx.tower.vault"]._write_values(self._name, values)
        self.browse(values).invalidate_recordset(self.SECRET_FIELDS, flush=False)

    @api.model
    def _take_secrets(self, vals):
        """Return (secret values, other values) of ``vals``. Checks the caller's right to write the fields."""
        secrets = {}
        for name in self.SECRET_FIELDS:
            if name not in vals:
                continue
            self._check_field_access(self._fields[name], "write")
            value = vals[name]
            if value and not isinstance(value, str):
                raise ValidationError(
                    self.env._("%(field)s must be a string.", field=self._fields[name].string)
                )
            if value != PLACEHOLDER:
                secrets[name] = value or False
        return secrets, {name: value for name, value in vals.items() if name not in self.SECRET_FIELDS}

    @api.model_create_multi
    def create(self, vals_list):
        defaults = {
            name: self.env.context[f"default_{name}"]
            for name in self.SECRET_FIELDS
            if f"default_{name}" in self.env.context
        }
        model = self
        if defaults:  # otherwise they would end up in the cache of the new records
            vals_list = [{**defaults, **vals} for vals in vals_list]
            hidden = {f"default_{name}" for name in defaults}
            context = {key: value for key, value in self.env.context.items() if key not in hidden}
            model = self.with_context(context)  # pylint: disable=context-overridden
        split = [self._take_secrets(vals) for vals in vals_list]
        records = (
            super(CxTowerVaultMixin, model).create([rest for _secrets, rest in split]).with_env(self.env)
        )
        values = {
            record.id: secrets for record, (secrets, _rest) in zip(records, split, strict=True) if secrets
        }
        if values:
            records._store_secret_values(values)
        return records

    def write(self, vals):
        secrets, rest = self._take_secrets(vals)
        # even if there is nothing else to write: it checks access, and sets who changed the record and when
        result = super().write(rest)
        if secrets:
            self._set_secret_values(secrets)
        return result

    def unlink(self):
        self.check_access("unlink")
        for name in self._get_secret_child_fields():
            # Through the ORM, not by the database's cascade, so that their secrets are deleted, too.
            # sudo: whoever may delete a record deletes all its children
            self.sudo().with_context(active_test=False)[name].unlink()
        ids = self.ids
        result = super().unlink()
        self.env["cx.tower.vault"]._delete_rows(self._name, ids)
        return result

    # ------------------------------------------------------------------ copying

    @api.model
    def _get_secret_child_fields(self):
        """Return the one2many fields whose records are copied and deleted together with their secrets. Extension point."""
        return []

    def copy(self, default=None):
        """Copy the records, and their secrets if the caller may write them.

        Somebody who may only read a server must not get its password in a copy: they could change the copy's address and
        have the password sent there.
        """
        copies = super().copy(default)
        for record, copied in zip(self, copies, strict=True):
            if record.has_access("write"):
                record._copy_secrets_to(copied, set(default or {}))
        return copies

    def _copy_secrets_to(self, copied, except_fields=frozenset()):
        """Give ``copied`` the secrets of this record and of the children that were copied with it."""
        pairs = [(self, copied)]
        for name in self._get_secret_child_fields():
            # copies have the same order of ids
            children, copies = self[name].sorted("id"), copied[name].sorted("id")
            if name not in except_fields and len(children) == len(copies):
                pairs += zip(children, copies, strict=True)
        for source, target in pairs:
            try:
                secrets = source._get_secret_values__()[source.id]
            except VaultError as err:
                raise ValidationError(str(err)) from err
            values = {
                name: secret.reveal()
                for name, secret in secrets.items()
                if name not in except_fields or source != self
            }
            if values:
                target._store_secret_values({target.id: values})
