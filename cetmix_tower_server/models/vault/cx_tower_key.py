import hmac
import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from ...engine.attempt_limiter import AttemptLimiter
from ...engine.errors import KeyFileError, SecretNotFound, VaultError
from ...engine.secret import Secret
from ...engine.ssh.connecting.private_key import load_private_key
from ..base.fields import SecretChar, SecretText
from .cx_tower_vault_mixin import PLACEHOLDER

SSH_KEY, SECRET = "k", "s"
# Public facts about a private key, which are derived from it.
PUBLIC_FIELDS = ("ssh_key_type", "ssh_public_key", "ssh_key_fingerprint")
# Wrong guesses of a user at one secret: 10 per minute.
_guesses = AttemptLimiter(limit=10, period_s=60)


class CxTowerKey(models.Model):
    """An SSH key that servers log in with, or a secret that commands use by name.

    An SSH key stores its value itself. The values of a secret are ``cx.tower.key.value`` rows, and the field on the key is
    the global one.
    """

    _name = "cx.tower.key"
    _description = "Tower Key"
    _needs_more_than_a_name = True
    _inherit = ["cx.tower.reference.mixin", "cx.tower.access.role.mixin", "cx.tower.vault.mixin"]
    _order = "name, id"

    SECRET_FIELDS = ("secret_value", "passphrase")
    KEY_PREFIX = "#!cxtower"
    KEY_TERMINATOR = "!#"

    key_type = fields.Selection(
        [(SSH_KEY, "SSH key"), (SECRET, "Secret")], string="Type", required=True, default=SSH_KEY
    )
    reference_code = fields.Char(
        string="Code",
        compute="_compute_reference_code",
        help="Put this into a command where the secret is needed.",
    )
    secret_value = SecretText(
        string="Value",
        help="Stored encrypted and never shown again. SSH key: the private key in OpenSSH or PEM format."
        " Secret: the value that applies where there is no more specific one.",
    )
    passphrase = SecretChar(help="Only for a private key that is protected by one. Never shown again.")
    ssh_key_type = fields.Char(string="Algorithm", readonly=True, copy=False)
    ssh_public_key = fields.Text(
        string="Public key", readonly=True, copy=False, help="Add it to the file authorized_keys on servers."
    )
    ssh_key_fingerprint = fields.Char(string="Fingerprint", readonly=True, copy=False)
    value_ids = fields.One2many("cx.tower.key.value", "key_id", string="Values", copy=True)
    server_ssh_ids = fields.One2many(
        "cx.tower.server", "ssh_key_id", string="Servers that use it", copy=False
    )
    note = fields.Text()
    user_ids = fields.Many2many(
        "res.users", "cx_tower_key_user_rel", "record_id", "user_id", string="Users", help="They see the key."
    )
    manager_ids = fields.Many2many(
        "res.users",
        "cx_tower_key_manager_rel",
        "record_id",
        "manager_id",
        string="Managers",
        help="They change the key and its values.",
    )

    @api.model
    def _get_reference_pattern(self):
        return "[a-zA-Z0-9_]"

    @api.model
    def _get_dependent_model_relation_fields(self):
        return [*super()._get_dependent_model_relation_fields(), "value_ids"]

    @api.model
    def _get_user_role_group(self):
        return "cetmix_tower_server.group_manager"  # the level User has no access to keys

    def _check_may_use(self):
        """Raise AccessError if the caller may not link these keys to a server.

        Managers of a server may write its key. So somebody who sees a key only because another server uses it must not link
        it: they would gain the right to change it, and could lock out its owners.
        """
        super()._check_may_use()
        if self.env.su or self.has_access("write"):
            return
        for key in self - self._filtered_access("write"):
            # sudo: only to look for the caller among the people of the key
            if self.env.user not in key.sudo().user_ids | key.sudo().manager_ids:
                raise AccessError(
                    self.env._(
                        "You see “%s” only because a server uses it, and you are not allowed to use it for others. Ask one of"
                        " its Managers to add you as a User.",
                        key.name,
                    )
                )

    @api.model
    def _get_secret_child_fields(self):
        return [*super()._get_secret_child_fields(), "value_ids"]

    @api.depends("reference", "key_type")
    def _compute_reference_code(self):
        for key in self:
            named = key.key_type == SECRET and key.reference
            key.reference_code = (
                f"{self.KEY_PREFIX}.secret.{key.reference}{self.KEY_TERMINATOR}" if named else False
            )

    def _compute_secret_fields(self):
        super()._compute_secret_fields()
        named = self.filtered(lambda key: key.key_type == SECRET)
        values = named._find_global_values() if named else {}
        stored = {value.key_id.id for value in values.values() if value.secret_value}
        for key in named:
            key.secret_value = PLACEHOLDER if key._origin.id in stored else False

    # ------------------------------------------------------------------ create, write

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_public_fields(vals) for vals in vals_list])

    def write(self, vals):
        if "key_type" in vals:
            self._check_may_change_type(vals["key_type"])
        return super().write(self._without_public_fields(vals))

    @api.model
    def _without_public_fields(self, vals):
        return {name: value for name, value in vals.items() if name not in PUBLIC_FIELDS}

    def _check_may_change_type(self, key_type):
        """Refuse to change the type of a key that has values or servers: these fit the present type only."""
        # sudo: servers and values that the caller does not see count, too
        for key in self.sudo().filtered(lambda key: key.key_type != key_type):
            if key.secret_value or key.value_ids or key.with_context(active_test=False).server_ssh_ids:
                raise ValidationError(
                    self.env._(
                        "The type of “%(key)s” cannot be changed while it has values or servers use it. Create another key.",
                        key=key.name,
                    )
                )

    def _store_secret_values(self, values):
        """Check private keys before they are stored. The value of a secret becomes its global value."""
        keys = self.browse(values)
        named = keys.filtered(lambda key: key.key_type == SECRET)
        if named:
            named._store_global_values({key.id: values[key.id] for key in named})
        ssh_keys = keys - named
        # sudo: servers that the caller does not see will log in with the new key, too
        ssh_keys.sudo().with_context(active_test=False).server_ssh_ids._forget_connection_failure()
        if ssh_keys:
            super()._store_secret_values(
                ssh_keys._check_private_keys({key.id: values[key.id] for key in ssh_keys})
            )

    def _store_global_values(self, values):
        """Write the values of secrets to their global rows. Missing rows are created together."""
        rows = self._find_global_values()
        new = []
        for key in self:
            if values[key.id].get("passphrase"):
                raise ValidationError(
                    self.env._(
                        "“%(key)s” is a secret, and only SSH keys have a passphrase. Leave it empty.",
                        key=key.name,
                    )
                )
            if "secret_value" not in values[key.id]:
                continue
            secret = {"secret_value": values[key.id]["secret_value"]}
            if key.id in rows:
                rows[key.id].write(secret)
            elif secret["secret_value"]:
                new.append({"key_id": key.id, **secret})
        if new:
            self.env["cx.tower.key.value"].create(new)
        self.invalidate_recordset(self.SECRET_FIELDS, flush=False)

    def _find_global_values(self):
        """Return {key id: global value row}; one query."""
        domain = [("key_id", "in", self._origin.ids), ("server_id", "=", False), ("partner_id", "=", False)]
        return {value.key_id.id: value for value in self.env["cx.tower.key.value"].search(domain)}

    def _check_private_keys(self, values):
        """Check that the private keys are usable, and set their public facts.

        :param values: {id: {field: text or False}}
        :return: the values to store, without passphrases that keys do not need
        :raise ValidationError: the format, algorithm or passphrase is wrong
        """
        stored = self._get_secret_values_for_check__()
        result = {}
        for key in self:
            wanted = {name: secret.reveal() for name, secret in stored[key.id].items()} | values[key.id]
            private, passphrase = wanted.get("secret_value"), wanted.get("passphrase")
            if not private:
                if passphrase and values[key.id].get("passphrase"):
                    raise ValidationError(
                        self.env._(
                            "“%(key)s”: enter the private key, too, not only its passphrase.", key=key.name
                        )
                    )
                key._set_public_part(None)
                result[key.id] = {"secret_value": False, "passphrase": False}
                continue
            loaded, is_protected = key._load_private_key(private, passphrase)
            key._set_public_part(loaded)
            result[key.id] = values[key.id] if is_protected else {**values[key.id], "passphrase": False}
        return result

    def _get_secret_values_for_check__(self):
        """Return the stored values. Values that can no longer be decrypted count as missing, so that they can be replaced."""
        try:
            return self._get_secret_values__()
        except VaultError:
            return {key.id: {} for key in self}

    def _load_private_key(self, private, passphrase):
        """Return (key, whether it is protected by a passphrase)."""
        try:
            return load_private_key(Secret(private)), False
        except KeyFileError as err:
            if not passphrase:
                raise ValidationError(self.env._("%(key)s: %(reason)s", key=self.name, reason=err)) from None
        try:
            return load_private_key(Secret(private), Secret(passphrase)), True
        except KeyFileError as err:
            raise ValidationError(self.env._("%(key)s: %(reason)s", key=self.name, reason=err)) from None

    def _set_public_part(self, loaded):
        vals = dict.fromkeys(PUBLIC_FIELDS, False)
        if loaded:
            vals = {
                "ssh_key_type": f"{loaded.get_name()}, {loaded.get_bits()} bits",
                "ssh_public_key": f"{loaded.get_name()} {loaded.get_base64()}",
                "ssh_key_fingerprint": loaded.fingerprint,
            }
        # not through our own write(), which drops these fields
        super().write(vals)

    # ------------------------------------------------------------------ values for a run

    @api.model
    def _get_secrets__(self, references, server=None, partner=None):
        """Return {reference: Secret} of the secrets that apply on a server; one query.

        The most specific value applies: server and partner, server, partner, global. Access is not checked: whoever may run
        a command may use the secrets it names.

        :param references: references of secrets
        :param server: cx.tower.server record or None
        :param partner: res.partner record, by default the server's
        :raise SecretNotFound: one of them has no value here
        :raise VaultError: one of them cannot be decrypted
        """
        references = list(dict.fromkeys(references))
        if not references:
            return {}
        found = self._find_secrets__(references, server, partner)
        for reference in references:
            if reference not in found:
                # sudo: the name of the server, for the person who runs something on it
                where = self.env._(" for server %(server)s", server=server.sudo().name) if server else ""
                raise SecretNotFound(
                    self.env._(
                        "The secret “%(reference)s” has no value%(where)s.", reference=reference, where=where
                    ),
                    reference,
                )
        return found

    @api.model
    def _find_secrets__(self, references, server=None, partner=None):
        """Return {reference: Secret} of those that have a value; see :meth:`_get_secrets__`."""
        # sudo: a run may use the partner of its server
        partner = partner or (server.sudo().partner_id if server else None)
        self.flush_model(["reference", "key_type"])
        self.env["cx.tower.key.value"].flush_model(["key_id", "server_id", "partner_id"])
        query = SQL(
            """
            SELECT DISTINCT ON (key.reference) key.reference, value.id, vault.data
              FROM cx_tower_key AS key
              JOIN cx_tower_key_value AS value ON value.key_id = key.id
              JOIN cx_tower_vault AS vault
                ON vault.res_model = 'cx.tower.key.value' AND vault.res_id = value.id
                   AND vault.field_name = 'secret_value'
             WHERE key.key_type = %(secret)s AND key.reference = ANY(%(references)s)
               AND (value.server_id IS NULL OR value.server_id = %(server)s)
               AND (value.partner_id IS NULL OR value.partner_id = %(partner)s)
             ORDER BY key.reference, value.server_id IS NULL, value.partner_id IS NULL
            """,
            secret=SECRET,
            references=references,
            server=server.id if server else None,
            partner=partner.id if partner else None,
        )
        decrypt = self.env["cx.tower.vault"]._decrypt__
        return {
            reference: decrypt("cx.tower.key.value", value_id, "secret_value", token)
            for reference, value_id, token in self.env.execute_query(query)
        }

    @api.model
    def _find_missing_secrets(self, wanted_by):
        """Return {place: references of secrets without a value there}, sorted; one query, nothing is decrypted.

        :param wanted_by: {place: (owners, references that are needed there)}; places are numbers of the caller's choice,
            owners {"server": record, "partner": record}
        """
        wanted = [
            (place, owners["server"].id or None, owners["partner"].id or None, reference)
            for place, (owners, references) in wanted_by.items()
            for reference in references
        ]
        missing = {place: [] for place in wanted_by}
        if not wanted:
            return missing
        self.flush_model(["reference", "key_type"])
        self.env["cx.tower.key.value"].flush_model(["key_id", "server_id", "partner_id"])
        places, servers, partners, references = map(list, zip(*wanted, strict=True))
        query = SQL(
            """
            SELECT wanted.place, wanted.reference
              FROM unnest(%(places)s::int[], %(servers)s::int[], %(partners)s::int[], %(references)s::text[])
                   AS wanted (place, server, partner, reference)
             WHERE NOT EXISTS (
                SELECT FROM cx_tower_key AS key
                  JOIN cx_tower_key_value AS value ON value.key_id = key.id
                  JOIN cx_tower_vault AS vault
                    ON vault.res_model = 'cx.tower.key.value' AND vault.res_id = value.id
                       AND vault.field_name = 'secret_value'
                 WHERE key.key_type = %(secret)s AND key.reference = wanted.reference
                   AND (value.server_id IS NULL OR value.server_id = wanted.server)
                   AND (value.partner_id IS NULL OR value.partner_id = wanted.partner)
             )
             ORDER BY wanted.reference
            """,
            places=places,
            servers=servers,
            partners=partners,
            references=references,
            secret=SECRET,
        )
        for place, reference in self.env.execute_query(query):
            missing[place].append(reference)
        return missing

    @api.model
    def _validate_secret(self, value, reference, server=None):
        """Return whether ``value`` is the value of a secret, in constant time.

        :param reference: reference of the secret, or its whole code ``#!cxtower.secret.<reference>!#``
        :param server: cx.tower.server record whose value applies, or None
        :raise AccessError: the caller may not read the secret (Managers and Root may) or the server
        :raise UserError: too many wrong values in the last minute
        """
        if server:
            server.check_access("read")
        reference = self._bare_reference(reference)
        key = self.get_by_reference(reference)
        who = (self.env.cr.dbname, self.env.uid, reference)
        if _guesses.is_blocked(who):
            raise UserError(self.env._("Too many wrong values for this secret. Wait a minute and try again."))
        try:
            secret = self._find_secrets__([reference], server).get(reference) if key else None
        except VaultError as err:
            raise UserError(str(err)) from err
        # compare in any case: the time of the answer must not tell whether there is a secret
        expected = secret.reveal() if secret else secrets.token_hex(16)
        given = value if isinstance(value, str) else ""
        is_right = hmac.compare_digest(given.encode(), expected.encode()) and bool(secret) and bool(given)
        if not is_right:
            _guesses.add_failure(who)
        return is_right

    @api.model
    def _bare_reference(self, text):
        """Return the reference in ``text``, which may be the whole code of a secret."""
        text = text.strip() if isinstance(text, str) else ""
        prefix = f"{self.KEY_PREFIX}.secret."
        if text.startswith(prefix) and text.endswith(self.KEY_TERMINATOR):
            return text[len(prefix) : -len(self.KEY_TERMINATOR)]
        return text
