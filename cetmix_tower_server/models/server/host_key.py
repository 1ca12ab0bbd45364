from dataclasses import replace

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...engine.errors import EngineError
from ...engine.ssh.connecting.host_key import HostKey
from ...engine.ssh.probe import fetch_host_key
from .connection import MANAGER

#: Seconds a user waits at most for a host's key. The jump hosts on the way share them.
FETCH_LIMIT_S = 10


class CxTowerServer(models.Model):
    """The host key, by which Tower recognises the host: stored, fetched, accepted, and its changes noted.

    It is compared with what the host shows when a connection is made: ``engine.ssh.connecting.host_key``.
    """

    _inherit = "cx.tower.server"

    skip_host_key = fields.Boolean(
        string="Skip host key check",
        tracking=True,
        help="Log in to any host that answers at the address. An attacker who can redirect the traffic then gets the password"
        " and all commands.",
    )
    host_key = fields.Text(groups=MANAGER, help="Public key of the host as in known_hosts: type and base64.")
    host_key_fingerprint = fields.Char(
        string="Fingerprint",
        compute="_compute_host_key_fingerprint",
        groups=MANAGER,
        help="Compare it with the output of “ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub” on the host.",
    )
    host_key_type = fields.Char(compute="_compute_host_key_fingerprint", groups=MANAGER)

    @api.depends("host_key")
    def _compute_host_key_fingerprint(self):
        for server in self:
            key = parse_key(server.host_key)
            server.host_key_fingerprint = key.fingerprint if key else False
            server.host_key_type = key.type if key else False

    @api.constrains("host_key")
    def _check_host_key_is_public_key(self):
        for server in self:
            if server.host_key and not parse_key(server.host_key):
                raise ValidationError(
                    self.env._(
                        "The host key of %(server)s is not a valid public key. Enter one like “ssh-ed25519 AAAA…”.",
                        server=server.name,
                    )
                )

    # ------------------------------------------------------------------ fetch, accept

    def fetch_host_key(self):
        """Ask the host for its key. Nothing is stored, and no credentials are sent to this host.

        Tower logs in to jump hosts on the way, after checking their keys. The caller's transaction stays open meanwhile: it
        holds no row lock, and all hosts on the way together have :data:`FETCH_LIMIT_S` seconds.

        :return: dict: ``key`` ("type base64"), ``type``, ``fingerprint`` ("SHA256:..."), ``stored_fingerprint``
            ("" if none is stored), ``matches_stored``: bool
        :raise AccessError: the caller may not write this server
        :raise UserError: the host cannot be reached
        """
        self.ensure_one()
        self.check_access("write")
        key = self._fetch_host_key()
        # sudo: the field is for the group Manager; the caller may write the server
        stored = parse_key(self.sudo().host_key)
        return {
            "key": str(key),
            "type": key.type,
            "fingerprint": key.fingerprint,
            "stored_fingerprint": stored.fingerprint if stored else "",
            "matches_stored": stored == key,
        }

    def accept_host_key(self, fingerprint=None, key=None):
        """Store the host's key and switch the check on. The change is noted in the server's chatter.

        :param str fingerprint: "SHA256:..." that a person compared: the host is asked again, and its key is
            stored only if it still has this fingerprint
        :param str key: "type base64" from :meth:`fetch_host_key` or from an administrator of the host
        :return: dict: ``fingerprint``, ``type``
        :raise AccessError: the caller may not write this server
        :raise ValidationError: neither is given, the key is not a public key, or the fingerprint differs
        :raise UserError: the host cannot be reached
        """
        self.ensure_one()
        self.check_access("write")
        if not (fingerprint or key):
            raise ValidationError(self.env._("Pass the host key or its fingerprint."))
        accepted = parse_key(key) if key else self._fetch_host_key()
        if not accepted:
            raise ValidationError(
                self.env._("This is not a valid public key. Pass one like “ssh-ed25519 AAAA…”.")
            )
        if fingerprint and accepted.fingerprint != fingerprint.strip():
            raise ValidationError(
                self.env._(
                    "The host key of %(server)s has the fingerprint %(actual)s, not %(expected)s. It was not stored.",
                    server=self.name,
                    actual=accepted.fingerprint,
                    expected=fingerprint.strip(),
                )
            )
        self.write({"host_key": str(accepted), "skip_host_key": False})
        return {"fingerprint": accepted.fingerprint, "type": accepted.type}

    def _get_host_key_from_host(self):
        """Return the host's present key as text ("type base64"). For scripts, which know it by this name.

        :raise AccessError: the caller may not write this server
        :raise UserError: the host cannot be reached
        """
        return self.fetch_host_key()["key"]

    def _fetch_host_key(self):
        """Return the host's present :class:`HostKey`.

        :raise UserError: the host cannot be reached; says why
        """
        try:
            return fetch_host_key(bounded(self._connection_target__(), FETCH_LIMIT_S))
        except EngineError as error:
            raise UserError(str(error)) from error

    def action_show_host_key(self):
        """Fetch the host's key and open the wizard in which a person compares and accepts it.

        :raise AccessError: the caller may not write this server
        """
        self.ensure_one()
        self.check_access("write")
        try:
            values = self.fetch_host_key()
        except UserError as error:
            values = {"error": str(error)}
        wizard = self.env["cx.tower.server.host.key.wizard"]._create_for(self, values)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Host Key of %s", self.name),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
        }

    # ------------------------------------------------------------------ note of changes

    @api.model_create_multi
    def create(self, vals_list):
        servers = super().create([self._clean_host_key(vals) for vals in vals_list])
        # sudo: whether there is a key, for the note in the chatter
        servers.filtered(lambda server: server.sudo().host_key)._log_host_key_change({})
        return servers

    def write(self, vals):
        if "host_key" not in vals:
            return super().write(vals)
        # sudo: fingerprints, for the note in the chatter, whoever changes the key
        before = {server.id: server.host_key_fingerprint for server in self.sudo()}
        result = super().write(self._clean_host_key(vals))
        self._log_host_key_change(before)
        return result

    @staticmethod
    def _clean_host_key(vals):
        """Bring a key into the form "type base64". An invalid one is left to the constraint."""
        key = parse_key(vals.get("host_key"))
        return {**vals, "host_key": str(key)} if key else vals

    def _log_host_key_change(self, before):
        """Note in the chatter that the trusted key has changed.

        :param before: {server id: previous fingerprint}
        """
        for server in self:
            # sudo: the fingerprint is public; the field is for the group Manager
            old, new = before.get(server.id) or False, server.sudo().host_key_fingerprint
            if old == new:
                continue
            if not new:
                body = self.env._("Host key %(old)s removed.", old=old)
            elif old:
                body = self.env._("Host key changed from %(old)s to %(new)s.", old=old, new=new)
            else:
                body = self.env._("Host key accepted: %(new)s.", new=new)
            server._message_log(body=body)


def parse_key(text):
    """Return the :class:`HostKey` of a stored text, None for an empty or unreadable one."""
    try:
        return HostKey.parse(text) if text and text.strip() else None
    except ValueError:
        return None


def bounded(target, limit_s):
    """Return a target whose timeouts, including those of its jump hosts, together do not exceed a limit.

    :param limit_s: seconds for the whole way; each host gets an equal share for connecting and logging in
    """
    return _with_timeouts(target, limit_s / len(target.route))


def _with_timeouts(target, share):
    settings = target.settings
    return replace(
        target,
        settings=replace(
            settings,
            connect_timeout_s=min(settings.connect_timeout_s, share / 2),
            auth_timeout_s=min(settings.auth_timeout_s, share / 2),
        ),
        jump=_with_timeouts(target.jump, share) if target.jump else None,
    )
