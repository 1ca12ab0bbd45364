import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ...engine.errors import VaultError
from ...engine.secret import Secret
from .key_source import add_key, get_key_source, load_key_ring

_logger = logging.getLogger(__name__)

ROTATION_BATCH = 1000  # rows re-encrypted with one statement


def secret_context(model_name, res_id, field_name):
    """Return the context that a secret is bound to: its ciphertext is useless in another record or field."""
    return f"{model_name},{res_id},{field_name}"


def sealed_context(model_name, place):
    """Return the context that sealed values are bound to; see ``cx.tower.sealed.mixin``."""
    return f"sealed {model_name},{place}"


class CxTowerVault(models.Model):
    """Encrypted values of secret fields, one row each.

    No group has access, and rows are read and written with SQL only. Whoever gets at the table anyway (Python commands with
    ``env``, a dump) finds ciphertext. Methods that return clear text end in two underscores, so that sandboxed code cannot
    call them.
    """

    _name = "cx.tower.vault"
    _description = "Tower Vault"
    _log_access = False
    _allow_sudo_commands = False

    res_model = fields.Char(required=True)
    res_id = fields.Many2oneReference(model_field="res_model", required=True)
    field_name = fields.Char(required=True)
    data = fields.Text(required=True, groups=fields.NO_ACCESS)

    _one_value = models.UniqueIndex("(res_model, res_id, field_name)")

    # ------------------------------------------------------------------ values

    @api.model
    def _write_values(self, model_name, values):
        """Encrypt and store values, or remove them. Two queries at most.

        :param values: {res_id: {field: text, or False to remove it}}
        :raise UserError: the vault has no usable key
        """
        pairs = [
            (res_id, field, text) for res_id, fields_ in values.items() for field, text in fields_.items()
        ]
        removed = [(res_id, field) for res_id, field, text in pairs if not text]
        if removed:
            self.env.cr.execute(
                SQL(
                    "DELETE FROM cx_tower_vault WHERE res_model = %s AND (res_id, field_name) IN %s",
                    model_name,
                    tuple(removed),
                )
            )
        kept = [pair for pair in pairs if pair[2]]
        if kept:
            ring = self._load_ring_for_saving__()
            rows = [
                SQL(
                    "%s",
                    (
                        model_name,
                        res_id,
                        field,
                        ring.encrypt(text, secret_context(model_name, res_id, field)),
                    ),
                )
                for res_id, field, text in kept
            ]
            self.env.cr.execute(
                SQL(
                    "INSERT INTO cx_tower_vault (res_model, res_id, field_name, data) VALUES %s"
                    " ON CONFLICT (res_model, res_id, field_name) DO UPDATE SET data = EXCLUDED.data",
                    SQL(", ").join(rows),
                )
            )

    @api.model
    def _load_ring_for_saving__(self):
        try:
            return load_key_ring()
        except VaultError as err:
            raise UserError(self.env._("The secret could not be saved. %(error)s", error=err)) from err

    @api.model
    def _load_ring_for_reading__(self):
        """Return the keys. :raise VaultError: there are none, or they cannot be used"""
        ring = load_key_ring(create=False)
        if not ring:
            raise VaultError(f"There are no keys: the {get_key_source().name} is missing.")
        return ring

    @api.model
    def _get_stored_fields(self, model_name, res_ids):
        """Return {res_id: set of fields with a value}; one query."""
        if not res_ids:
            return {}
        query = SQL(
            "SELECT res_id, array_agg(field_name) FROM cx_tower_vault WHERE res_model = %s AND res_id IN %s"
            " GROUP BY res_id",
            model_name,
            tuple(res_ids),
        )
        return {res_id: set(names) for res_id, names in self.env.execute_query(query)}

    @api.model
    def _read_values__(self, model_name, res_ids, field_names):
        """Return {res_id: {field: Secret}} of the stored values; one query.

        :raise VaultError: one of them cannot be decrypted; the message names it
        """
        result = {res_id: {} for res_id in res_ids}
        if not result or not field_names:
            return result
        query = SQL(
            "SELECT res_id, field_name, data FROM cx_tower_vault"
            " WHERE res_model = %s AND res_id IN %s AND field_name IN %s",
            model_name,
            tuple(result),
            tuple(field_names),
        )
        for res_id, field_name, token in self.env.execute_query(query):
            result[res_id][field_name] = self._decrypt__(model_name, res_id, field_name, token)
        return result

    @api.model
    def _decrypt__(self, model_name, res_id, field_name, token):
        """Return the Secret of a token that was read from this place.

        :raise VaultError: it cannot be decrypted; the message names the record and the field
        """
        try:
            ring = self._load_ring_for_reading__()
            return Secret(ring.decrypt(token, secret_context(model_name, res_id, field_name)))
        except VaultError as err:
            name = self._describe_place(model_name, res_id, field_name)
            raise VaultError(f"{name} cannot be decrypted. {err}") from err

    @api.model
    def _seal__(self, text, model_name, place):
        """Return a text encrypted, for a column of its record and nowhere else.

        :param place: identifies the record among those of its model
        :raise VaultError: the vault has no usable key
        """
        return load_key_ring().encrypt(text, sealed_context(model_name, place))

    @api.model
    def _unseal__(self, token, model_name, place):
        """Return the text of a token of :meth:`_seal__`.

        :raise VaultError: it cannot be decrypted, or belongs to another record
        """
        try:
            ring = self._load_ring_for_reading__()
            return ring.decrypt(token, sealed_context(model_name, place))
        except VaultError as err:
            raise VaultError(f"Values that contain secrets cannot be decrypted. {err}") from err

    @api.model
    def _delete_rows(self, model_name, res_ids):
        """Delete the values of deleted records."""
        if res_ids:
            self.env.cr.execute(
                SQL(
                    "DELETE FROM cx_tower_vault WHERE res_model = %s AND res_id IN %s",
                    model_name,
                    tuple(res_ids),
                )
            )

    @api.model
    def _describe_place(self, model_name, res_id, field_name):
        """Return "<model> <record> (<reference>): <field>" for messages."""
        if model_name not in self.env:
            return f"{model_name} {res_id}: {field_name}"
        # sudo: only name and reference, for a message that a value cannot be decrypted
        model = self.env[model_name].sudo()
        record = model.browse(res_id).exists()
        field = model._fields.get(field_name)
        name = f"{record.name} ({record.reference})" if record and "reference" in record else str(res_id)
        return f"{model._description} {name}: {field.string if field else field_name}"

    # ------------------------------------------------------------------ self-test, status

    def _register_hook(self):
        """Check all values when Odoo starts, so that a lost key is noticed before a run needs it."""
        super()._register_hook()
        unreadable = self._get_unreadable_values()
        if unreadable:
            _logger.error(
                "The vault holds %s values that cannot be decrypted. Enter them again or restore their keys (%s):\n%s",
                len(unreadable),
                get_key_source().name,
                "\n".join(f"- {value['name']}: {value['reason']}" for value in unreadable),
            )

    @api.model
    def _get_unreadable_values(self):
        """Return the stored values that cannot be decrypted.

        :return: list of {"model", "id", "field", "name": in words, "reason": a sentence}, sorted by name
        """
        rows = self.env.execute_query(SQL("SELECT res_model, res_id, field_name, data FROM cx_tower_vault"))
        if not rows:
            return []
        try:
            ring, problem = self._load_ring_for_reading__(), ""
        except VaultError as err:
            ring, problem = None, str(err)
        found = []
        for model_name, res_id, field_name, token in rows:
            reason = problem or self._try_decrypting(
                ring, token, secret_context(model_name, res_id, field_name)
            )
            if reason:
                place = {"model": model_name, "id": res_id, "field": field_name}
                name = self._describe_place(model_name, res_id, field_name)
                found.append({**place, "name": name, "reason": reason})
        return sorted(found, key=lambda value: value["name"])

    @api.model
    def _load_ring_or_problem(self):
        """Return (keys, ""), or (None, what is wrong with them). A missing key file is no problem here: (None, "")."""
        try:
            return load_key_ring(create=False), ""
        except VaultError as err:
            return None, str(err)

    @api.model
    def _try_decrypting(self, ring, token, context):
        """Return why a value cannot be decrypted, or ""."""
        try:
            ring.decrypt(token, context)
        except VaultError as err:
            return str(err)
        return ""

    @api.model
    def get_status(self):
        """Return the status of the vault, for the settings. Root only.

        :return: {"source": where the keys are, "values": number of values, "old": number of values with an older key,
            "unreadable": list as of ``_get_unreadable_values``, "text": all of it in words}
        :raise AccessError: the caller is not Root
        """
        self._check_root()
        source = get_key_source()
        ring, problem = self._load_ring_or_problem()
        tokens = [token for (token,) in self.env.execute_query(SQL("SELECT data FROM cx_tower_vault"))]
        old = (
            sum(not ring.is_current(token) for token in tokens) + self._count_old_sealed(ring) if ring else 0
        )
        unreadable = self._get_unreadable_values()
        lines = [
            self.env._("Keys: %(place)s", place=source.name),
            self.env._(
                "Stored secrets: %(count)s, encrypted with an older key: %(old)s", count=len(tokens), old=old
            ),
            problem,
            *(f"{value['name']}: {value['reason']}" for value in unreadable),
        ]
        return {
            "source": source.name,
            "values": len(tokens),
            "old": old,
            "unreadable": unreadable,
            "text": "\n".join(line for line in lines if line),
        }

    @api.model
    def _get_key_usage(self):
        """Return how many values use which keys, with one query and without decrypting any.

        :return: dict: ``source`` (where the keys are), ``values``, ``old`` (values with an older key), ``lost`` (values with
            a missing key), ``problem`` (what is wrong with the keys themselves, or "")
        """
        source = get_key_source()
        ring, problem = self._load_ring_or_problem()
        known = ring.key_ids if ring else ()
        query = SQL("SELECT split_part(data, '.', 2), count(*) FROM cx_tower_vault GROUP BY 1")
        counts = dict(self.env.execute_query(query))
        return {
            "source": source.name,
            "values": sum(counts.values()),
            "old": sum(count for key_id, count in counts.items() if key_id in known[1:]),
            "lost": sum(count for key_id, count in counts.items() if key_id not in known),
            "problem": problem,
        }

    @api.model
    def _may_administrate(self):
        """Return whether the caller may see the status of the vault and rotate its keys."""
        return self.env.su or self.env.user.has_group("cetmix_tower_server.group_root")

    @api.model
    def _check_root(self):
        if not self._may_administrate():
            raise AccessError(self.env._("Only Root can see the status of the vault and rotate its keys."))

    # ------------------------------------------------------------------ rotation

    @api.model
    def rotate_keys(self):
        """Encrypt every stored secret with a new key, all in this one transaction. Root only.

        With a key file, this method generates the new key. With keys from the environment or odoo.conf, put the new key in
        front of them and restart Odoo first. Values that cannot be decrypted are left as they are.

        :return: {"rotated": number of values, "unreadable": list as of ``_get_unreadable_values``}
        :raise AccessError: the caller is not Root
        :raise UserError: the keys cannot be used, or there is no new key
        """
        self._check_root()
        # Nobody stores a value with the old key while this runs. Reading is not blocked.
        self.env.cr.execute("LOCK TABLE cx_tower_vault IN SHARE ROW EXCLUSIVE MODE")
        ring = self._get_ring_to_rotate_to__()
        # If the process dies here or below: the new key is on the disk before the first value uses it, and the old keys
        # stay in the file. Until the commit every value is encrypted with an old key, afterwards with the new one, and both
        # exist. Tower never removes old keys, because backups and other databases with the same data directory may need
        # them.
        rows = self.env.execute_query(
            SQL("SELECT id, res_model, res_id, field_name, data FROM cx_tower_vault")
        )
        changed = []
        for row_id, model_name, res_id, field_name, token in rows:
            context = secret_context(model_name, res_id, field_name)
            if not ring.is_current(token) and not self._try_decrypting(ring, token, context):
                changed.append((row_id, ring.encrypt(ring.decrypt(token, context), context)))
        for start in range(0, len(changed), ROTATION_BATCH):
            self._replace_tokens(changed[start : start + ROTATION_BATCH])
        self._rotate_sealed__(ring)
        unreadable = self._get_unreadable_values()
        _logger.info(
            "vault: %s values encrypted with key %s by user %s, %s cannot be decrypted",
            len(changed),
            ring.current_id,
            self.env.uid,
            len(unreadable),
        )
        return {"rotated": len(changed), "unreadable": unreadable}

    def _rotate_sealed__(self, ring):
        """Encrypt the sealed values of runs and files with the new key. What cannot be decrypted is left as it is."""
        for model, column in self._get_sealed_columns():
            model.flush_model([column])
            query = SQL(
                "SELECT id FROM %s WHERE %s IS NOT NULL ORDER BY id",
                SQL.identifier(model._table),
                SQL.identifier(column),
            )
            ids = [row[0] for row in self.env.execute_query(query)]
            for start in range(0, len(ids), ROTATION_BATCH):
                changed, records = [], model.browse(ids[start : start + ROTATION_BATCH])
                records.fetch([column])
                for record in records:
                    token = record[column]
                    place = record._sealed_places(record._sealed_place())[column]
                    context = sealed_context(model._name, place)
                    if not ring.is_current(token) and not self._try_decrypting(ring, token, context):
                        changed.append((record.id, ring.encrypt(ring.decrypt(token, context), context)))
                if changed:
                    self._replace_tokens(changed, model._table, column)
                model.invalidate_model([column], flush=False)

    def _get_sealed_columns(self):
        """Return (model, column) of all sealed values, as superuser."""
        mixin = "cx.tower.sealed.mixin"
        # sudo: Root rotates all values; none is shown
        models = [
            self.env[name].sudo().with_context(active_test=False)
            for name in sorted(self.env.registry.descendants([mixin], "_inherit"))
            if name != mixin and not self.env[name]._abstract
        ]
        return [(model, column) for model in models for column in model._sealed_places("")]

    def _count_old_sealed(self, ring):
        """Return how many sealed values use an older key."""
        return sum(
            self.env.execute_query(
                SQL(
                    "SELECT count(*) FROM %(table)s WHERE %(column)s IS NOT NULL AND %(column)s NOT LIKE %(current)s",
                    table=SQL.identifier(model._table),
                    column=SQL.identifier(column),
                    current=f"v1.{ring.current_id}.%",
                )
            )[0][0]
            for model, column in self._get_sealed_columns()
        )

    @api.model
    def _get_ring_to_rotate_to__(self):
        """Return the keys with a new one in front.

        A request that is retried after a conflict or a crash comes here again. The new key of the first attempt has encrypted
        nothing yet, so it is used and no further one is generated.
        """
        try:
            if get_key_source().path:
                return add_key(self._is_key_used)
            ring = load_key_ring()
        except VaultError as err:
            raise UserError(str(err)) from err
        query = SQL("SELECT 1 FROM cx_tower_vault WHERE data NOT LIKE %s LIMIT 1", f"v1.{ring.current_id}.%")
        if not self.env.execute_query(query):
            raise UserError(
                self.env._(
                    "All secrets already use the newest key. Put a new key in front of the others in the %(place)s, restart"
                    " Odoo, then try again.",
                    place=get_key_source().name,
                )
            )
        return ring

    @api.model
    def _is_key_used(self, key_id):
        query = SQL("SELECT 1 FROM cx_tower_vault WHERE data LIKE %s LIMIT 1", f"v1.{key_id}.%")
        return bool(self.env.execute_query(query))

    @api.model
    def _replace_tokens(self, tokens, table="cx_tower_vault", column="data"):
        ids, data = zip(*tokens, strict=True)
        self.env.cr.execute(
            SQL(
                "UPDATE %(table)s AS kept SET %(column)s = new.data FROM unnest(%(ids)s, %(data)s) AS new(id, data)"
                " WHERE kept.id = new.id",
                table=SQL.identifier(table),
                column=SQL.identifier(column),
                ids=list(ids),
                data=list(data),
            )
        )

    # ------------------------------------------------------------------ cleaning

    @api.autovacuum
    def _gc_orphans(self):
        """Delete values without a record: of children that the database deleted together with their parent."""
        models_ = self.env.execute_query(SQL("SELECT DISTINCT res_model FROM cx_tower_vault"))
        for (model_name,) in models_:
            if model_name not in self.env:
                continue  # an addon that is only missing for a while must not lose its secrets
            self.env.cr.execute(
                SQL(
                    "DELETE FROM cx_tower_vault WHERE res_model = %s AND NOT EXISTS"
                    " (SELECT 1 FROM %s AS owner WHERE owner.id = cx_tower_vault.res_id)",
                    model_name,
                    SQL.identifier(self.env[model_name]._table),
                )
            )
