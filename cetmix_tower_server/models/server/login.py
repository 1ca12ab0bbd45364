from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from odoo import models
from odoo.exceptions import UserError

from ...engine.errors import EngineError
from ...engine.secret import Secret
from ...engine.ssh.target import Target

SHARED = "cx.tower.server.logins"


@dataclass(frozen=True)
class Login:
    """What it takes to run something on a server.

    :param server_id: the server
    :param sudo_password: what answers sudo there
    :param secrets: {name: Secret} of what must be masked in everything that comes from there
    """

    server_id: int
    target: Target
    sudo_password: Secret | None
    secrets: Mapping[str, Secret]


class CxTowerServer(models.Model):
    """What runs need to log in, read for many servers at once."""

    _inherit = "cx.tower.server"

    def _login__(self):
        """Return the :class:`Login` of this server.

        :raise engine.errors.EngineError: no address, jump hosts in a circle, a secret that cannot be read
        """
        self.ensure_one()
        shared = self.env.cr.cache.get(SHARED)
        if not shared or self not in shared["servers"]:
            return self._logins__()[self.id]
        if shared["logins"] is None:
            try:
                shared["logins"] = shared["servers"]._logins__()
            except (EngineError, UserError):
                shared["logins"] = {}  # one that cannot be logged in to must not keep the others
        return shared["logins"].get(self.id) or self._logins__()[self.id]

    @contextmanager
    def _share_logins(self, known=None):
        """While this lasts, the first of these servers that is asked for its login reads those of all.

        :param known: {server id: Login} that was read before and is still good
        """
        self.env.cr.cache[SHARED] = {"servers": self, "logins": known}
        try:
            yield
        finally:
            self.env.cr.cache.pop(SHARED, None)

    def _logins__(self):
        """Return {server id: Login}; queries do not grow with the number of servers."""
        servers = self.sudo()  # sudo: who may run a command need not see how Tower logs in
        targets = servers._connection_targets__()
        passwords, secrets = servers._read_passwords__()
        return {
            server_id: Login(server_id, targets[server_id], passwords.get(server_id), secrets[server_id])
            for server_id in self.ids
        }
