from collections.abc import Mapping
from dataclasses import dataclass

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...engine.errors import ConnectError, EngineError
from ...engine.secret import Secret
from ...engine.ssh import address
from ...engine.ssh.target import ConnectSettings, Credential, Target
from ..base.engine_context import engine_says, heard
from ..base.fields import SecretChar
from ..base.storable_values import LARGEST, PORTS, check_numbers

MANAGER = "cetmix_tower_server.group_manager"

#: Fields that a connection depends on.
LOGIN_FIELDS = frozenset(
    {
        "ip_v4_address",
        "ip_v6_address",
        "ssh_port",
        "ssh_username",
        "ssh_password",
        "ssh_auth_mode",
        "ssh_key_id",
        "jump_server_id",
        "host_key",
        "skip_host_key",
        "use_sudo",
        "shell_mode",
    }
)
SKIP_CHECK = "skip_ssh_settings_check"
_LIMITS = (
    "connect_timeout_s",
    "auth_timeout_s",
    "keepalive_interval_s",
    "command_timeout_s",
    "max_parallel_runs",
)
_RANGES = {"ssh_port": PORTS, **dict.fromkeys(_LIMITS, (0, LARGEST))}


@dataclass(frozen=True)
class Login:
    """What a run needs to log in to a server.

    :param server_id: the server
    :param target: its address, credentials, host key and jump hosts
    :param sudo_password: the password for sudo there, None if none is stored
    :param secrets: {name: Secret}, to be masked in everything that comes from there
    """

    server_id: int
    target: Target
    sudo_password: Secret | None
    secrets: Mapping[str, Secret]


def read_secrets__(records, field_name):
    """Return {record id: Secret} of a secret field, for records that have a value. One read of the vault."""
    values = records._get_secret_values__([field_name])
    return {record_id: found[field_name] for record_id, found in values.items() if field_name in found}


class SharedLogins:
    """The logins of some servers: the first one that is needed reads all of them, with a constant number of queries."""

    def __init__(self, servers, known=None):
        self._servers = servers
        self._known__ = known

    def of(self, server):
        """Return the :class:`Login` of a server.

        :raise engine.errors.EngineError: as ``_login__``
        """
        if self._known__ is None:
            try:
                self._known__ = self._servers._logins__()
            except (EngineError, UserError):
                self._known__ = {}  # one bad server must not hold up the others: each is read by itself
        return self._known__.get(server.id) or server._login__()


class CxTowerServer(models.Model):
    """How Tower reaches a server and logs in."""

    _inherit = "cx.tower.server"

    SECRET_FIELDS = ("ssh_password",)

    ip_v4_address = fields.Char(
        string="IPv4 address or host name",
        groups=MANAGER,
        tracking=True,
        help="For example 192.0.2.10 or web.example.com.",
    )
    ip_v6_address = fields.Char(
        string="IPv6 address or host name",
        groups=MANAGER,
        tracking=True,
        help="Used if the IPv4 address is empty. For example 2001:db8::10 or web.example.com.",
    )
    host_address = fields.Char(
        string="Address",
        compute="_compute_host_address",
        groups=MANAGER,
        help="The address that Tower connects to.",
    )
    ssh_port = fields.Integer(
        string="SSH port", required=True, default=22, groups=MANAGER, tracking=True, aggregator=None
    )
    ssh_username = fields.Char(string="SSH user", required=True, groups=MANAGER, tracking=True)
    ssh_auth_mode = fields.Selection(
        [("p", "Password"), ("k", "Key")],
        string="Log in with",
        required=True,
        default="p",
        groups=MANAGER,
        tracking=True,
    )
    ssh_password = SecretChar(
        string="SSH password",
        groups=MANAGER,
        help="Also used for sudo with a password, and for hosts that ask for both a key and a password."
        " Stored encrypted and never shown again.",
    )
    ssh_key_id = fields.Many2one(
        "cx.tower.key",
        string="SSH key",
        domain=[("key_type", "=", "k")],
        groups=MANAGER,
        ondelete="restrict",
        index="btree_not_null",
    )
    use_sudo = fields.Selection(
        [("n", "Without password"), ("p", "With password")],
        string="Sudo",
        groups=MANAGER,
        tracking=True,
        help="How commands with sudo run on this server. Empty: sudo is not used.",
    )
    jump_server_id = fields.Many2one(
        "cx.tower.server",
        string="Jump host",
        groups=MANAGER,
        ondelete="restrict",
        index="btree_not_null",
        tracking=True,
        help="The server through which Tower connects to this one. It can have a jump host itself.",
    )
    shell_mode = fields.Selection(
        [("posix", "POSIX shell"), ("raw", "Raw: no POSIX shell")],
        string="Shell mode",
        required=True,
        default="posix",
        groups=MANAGER,
        help="Raw sends the code unchanged, for appliances and Windows: without sudo and working directory, and stopping a run"
        " may leave processes behind.",
    )
    connect_timeout_s = fields.Integer(
        string="Connection timeout (s)", groups=MANAGER, help="0: as in the settings.", aggregator=None
    )
    auth_timeout_s = fields.Integer(
        string="Login timeout (s)", groups=MANAGER, help="0: as in the settings.", aggregator=None
    )
    keepalive_interval_s = fields.Integer(
        string="Keepalive (s)",
        groups=MANAGER,
        help="Seconds without traffic after which a keepalive is sent. 0: as in the settings.",
        aggregator=None,
    )
    command_timeout_s = fields.Integer(
        string="Command timeout (s)",
        groups=MANAGER,
        help="For commands without a timeout of their own. 0: as in the settings.",
        aggregator=None,
    )
    max_parallel_runs = fields.Integer(
        string="Runs at once", groups=MANAGER, help="0: as in the settings.", aggregator=None
    )

    _port_range = models.Constraint(
        "CHECK (ssh_port BETWEEN 1 AND 65535)", "The SSH port must be between 1 and 65535."
    )
    _limits_positive = models.Constraint(
        """CHECK (COALESCE(connect_timeout_s, 0) >= 0 AND COALESCE(auth_timeout_s, 0) >= 0
              AND COALESCE(keepalive_interval_s, 0) >= 0 AND COALESCE(command_timeout_s, 0) >= 0
              AND COALESCE(max_parallel_runs, 0) >= 0)""",
        "Timeouts and limits cannot be negative. Enter 0 to use the value of the settings.",
    )

    @api.depends("ip_v4_address", "ip_v6_address")
    def _compute_host_address(self):
        for server in self:
            server.host_address = server.ip_v4_address or server.ip_v6_address

    # ------------------------------------------------------------------ constraints

    @api.constrains("ip_v4_address", "ip_v6_address", "ssh_auth_mode")
    def _check_addresses(self):
        # ssh_auth_mode is always set at creation, so the check also runs if no address is given
        for server in self:
            if not (server.ip_v4_address or server.ip_v6_address or self._skips_ssh_settings_check()):
                raise ValidationError(
                    self.env._(
                        "Enter an address for %(server)s: IPv4, IPv6 or a host name.", server=server.name
                    )
                )
            self._check_address(server, "ip_v4_address", address.Kind.IPV4)
            self._check_address(server, "ip_v6_address", address.Kind.IPV6)

    def _check_address(self, server, field_name, kind):
        """Raise ValidationError unless the field is empty, a host name, or an address of this kind."""
        text = server[field_name]
        if not text:
            return
        try:
            found = address.classify(text)
        except ValueError:
            found = None
        if found not in (kind, address.Kind.NAME):
            raise ValidationError(
                self.env._(
                    "“%(text)s” is not a valid %(field)s (server %(server)s).",
                    text=text,
                    field=self._fields[field_name]._description_string(self.env),
                    server=server.name,
                )
            )

    @api.constrains("ssh_auth_mode", "ssh_key_id")
    def _check_ssh_key(self):
        for server in self:
            if server.ssh_auth_mode == "k" and not server.ssh_key_id and not self._skips_ssh_settings_check():
                raise ValidationError(
                    self.env._(
                        "Choose an SSH key for %(server)s, which logs in with a key.", server=server.name
                    )
                )

    @api.constrains("jump_server_id")
    def _check_jump_hosts(self):
        for server in self:
            # sudo in _jump_chain: the caller may not see all jump hosts; only the names of a circle are shown
            chain = server._jump_chain()
            if chain[-1].jump_server_id:
                names = " → ".join(hop.name for hop in [*chain, chain[-1].jump_server_id])
                raise ValidationError(self.env._("Jump hosts must not form a loop: %(path)s.", path=names))

    def _jump_chain(self):
        """Return this server and its jump hosts in order, as superuser; ends before a server that is already in it."""
        self.ensure_one()
        chain = [self.sudo()]  # sudo: connecting uses all jump hosts, whoever may see them
        while (following := chain[-1].jump_server_id) and following not in chain:
            chain.append(following)
        return chain

    def _skips_ssh_settings_check(self):
        """Return whether incomplete servers may be stored (imports, templates): see :meth:`_with_settings_check`."""
        return bool(heard(self.env, SKIP_CHECK))

    def _with_settings_check(self):
        """Return these servers with the caller's wish to skip the checks, if the caller is code that runs as superuser.

        Decided before anything is stored: constraints run as superuser, whoever calls.
        """
        skips = self.env.su and self.env.context.get(SKIP_CHECK)
        return self.with_context(**engine_says(**{SKIP_CHECK: True})) if skips else self

    def _check_password_stored(self):
        """Raise ValidationError for a server that logs in with a password but has none."""
        if self._skips_ssh_settings_check():
            return
        # sudo: whether a password is stored, for a caller who has just written the server
        servers = self.sudo().filtered(lambda server: server.ssh_auth_mode == "p")
        passwords = read_secrets__(servers, "ssh_password")
        for server in servers:
            if not passwords.get(server.id):
                raise ValidationError(
                    self.env._(
                        "Enter the password of %(server)s, which logs in with a password.", server=server.name
                    )
                )

    # ------------------------------------------------------------------ create, write, copy

    @api.model_create_multi
    def create(self, vals_list):
        check_numbers(self, vals_list, _RANGES)
        model = self._with_settings_check()
        servers = super(CxTowerServer, model).create([self._clean_addresses(vals) for vals in vals_list])
        servers._check_password_stored()
        return servers.with_env(self.env)

    def write(self, vals):
        check_numbers(self, [vals], _RANGES)
        servers = self._with_settings_check()
        result = super(CxTowerServer, servers).write(self._clean_addresses(vals))
        if "ssh_auth_mode" in vals or "ssh_password" in vals:
            servers._check_password_stored()
        if LOGIN_FIELDS & vals.keys():
            servers._forget_connection_failure()
        return result

    def _forget_connection_failure(self):
        """Reset a failed connection state: it says nothing about new settings. The next run or test decides."""
        # sudo: Tower's own observation, which the user cannot write
        failed = self.sudo().filtered(lambda server: server.connection_state == "failed")
        failed.with_context(tracking_disable=True).write(
            {"connection_state": "unknown", "connection_message": False}
        )

    @staticmethod
    def _clean_addresses(vals):
        cleaned = {
            name: address.normalise(vals[name])
            for name in ("ip_v4_address", "ip_v6_address")
            if vals.get(name)
        }
        return {**vals, **cleaned}

    @api.model
    def _get_secret_child_fields(self):
        return [*super()._get_secret_child_fields(), "secret_ids"]

    def copy(self, default=None):
        """Copy servers. The checks are skipped: a copy may have no password at first, see the vault mixin."""
        without_check = self.with_context(**engine_says(**{SKIP_CHECK: True}))
        return super(CxTowerServer, without_check).copy(default).with_env(self.env)

    # ------------------------------------------------------------------ values for the engine

    def _connection_target__(self):
        """Return this server as the engine's Target: address, clocks, host key, secrets, jump hosts.

        Callers must check access first: the target holds everything needed to log in.

        :raise engine.errors.ConnectError: no address, or jump hosts that form a circle
        """
        self.ensure_one()
        return self._connection_targets__()[self.id]

    def _connection_targets__(self):
        """Return {server id: Target} for many servers, with a constant number of queries.

        :raise engine.errors.ConnectError: as :meth:`_connection_target__`, for any of them
        """
        # sudo: whoever may run a command need not see how Tower logs in; the target goes to the engine only
        servers = self.sudo()
        reached = servers
        while following := reached.jump_server_id - servers:
            servers |= following
            reached = following
        credentials = servers._credentials__()
        settings = self.env["cx.tower.settings"]._get()
        targets = {}
        for server in servers:
            for hop in reversed(server._jump_chain()):
                if hop.id not in targets:
                    targets[hop.id] = hop._build_target__(credentials[hop.id], settings, targets)
        return {server_id: targets[server_id] for server_id in self.ids}

    def _build_target__(self, credential, settings, targets):
        """Return the Target of one server. Those of its jump hosts are in ``targets`` already."""
        jump = self.jump_server_id
        if not self.host_address:
            raise ConnectError(self.env._("%(server)s has no address.", server=self.name))
        if jump and jump.id not in targets:
            raise ConnectError(self.env._("The jump hosts of %(server)s form a loop.", server=self.name))
        return Target(
            host=self.host_address,
            port=self.ssh_port,
            username=self.ssh_username or "",
            credential=credential,
            host_key=self.host_key or None,
            skip_host_key=self.skip_host_key,
            settings=self._connect_settings(settings),
            jump=targets[jump.id] if jump else None,
            name=self.name or "",
        )

    def _connect_settings(self, settings):
        """Return the timeouts of a connection: the server's own, or else those of the settings."""
        return ConnectSettings(
            connect_timeout_s=self.connect_timeout_s or settings.connect_timeout,
            auth_timeout_s=self.auth_timeout_s or settings.auth_timeout,
            keepalive_interval_s=self.keepalive_interval_s or settings.keepalive_interval,
        )

    def _sudo_mode(self, use_sudo=None):
        """Return how sudo is used on this server: "n", "p" or False.

        :param use_sudo: False: not at all; otherwise the server's own setting, which root never needs
        """
        self.ensure_one()
        # sudo: whoever may run a command uses the server's sudo setting without seeing it
        server = self.sudo()
        if use_sudo is False or server.ssh_username == "root":
            return False
        return server.use_sudo or False

    # ------------------------------------------------------------------ secrets

    def _credentials__(self):
        """Return {server id: engine Credential}, with two reads of the vault for any number of servers."""
        passwords = read_secrets__(self, "ssh_password")
        with_key = self.filtered(lambda server: server.ssh_auth_mode == "k")
        keys = with_key.ssh_key_id._get_secret_values__(["secret_value", "passphrase"])
        return {
            server.id: self._key_credential__(keys[server.ssh_key_id.id], passwords.get(server.id))
            if server.ssh_auth_mode == "k"
            else Credential(password=passwords.get(server.id))
            for server in self
        }

    @staticmethod
    def _key_credential__(values, password):
        """Return the Credential of a key. The password is for hosts that ask for both, and never tried instead of the key."""
        return Credential(password, values.get("secret_value"), values.get("passphrase"), needs_key=True)

    def _sudo_password__(self):
        """Return the password for sudo on this server as a Secret, None if none is stored."""
        self.ensure_one()
        # sudo: the password goes to the engine only, on behalf of a caller whose right to run was checked
        return read_secrets__(self.sudo(), "ssh_password").get(self.id)

    def _read_passwords__(self):
        """Return {server id: password} and {server id: {name: Secret} to be masked there}, with one read of the vault.

        The secrets to be masked include the passwords of jump hosts.
        """
        chains = {server.id: server._jump_chain() for server in self}
        # sudo: passwords for the engine only; jump hosts may be none of the caller's servers
        servers = self.sudo().browse({hop.id for chain in chains.values() for hop in chain})
        passwords = read_secrets__(servers, "ssh_password")
        secrets = {
            server_id: {f"password of {hop.name}": passwords[hop.id] for hop in chain if hop.id in passwords}
            for server_id, chain in chains.items()
        }
        return passwords, secrets

    # ------------------------------------------------------------------ logins of runs

    def _login__(self):
        """Return the :class:`Login` of this server.

        :raise engine.errors.EngineError: no address, jump hosts that form a circle, or a secret that cannot be decrypted
        """
        self.ensure_one()
        return self._logins__()[self.id]

    def _shared_logins__(self, known=None):
        """Return the :class:`SharedLogins` of these servers.

        :param known: {server id: Login} that was read before and is still valid
        """
        return SharedLogins(self, known)

    def _logins__(self):
        """Return {server id: Login}, with a constant number of queries."""
        servers = self.sudo()  # sudo: see _connection_targets__
        targets = servers._connection_targets__()
        passwords, secrets = servers._read_passwords__()
        return {
            server_id: Login(server_id, targets[server_id], passwords.get(server_id), secrets[server_id])
            for server_id in self.ids
        }
