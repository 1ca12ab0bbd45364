from odoo.tests import TransactionCase, new_test_user

from ..common import make_private_key

# Public keys made for these tests; nobody has the private parts.
KEY_1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBtF2rkYTFDnS1hgjxWnVBXlPWVKxNoi8MmRwJ2tLh1L"
KEY_2 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9sGzv6bZ2fRjXpe5nHFA1Ln7k0kC6KpVRwWcRzQ0Qn"


class ServerCase(TransactionCase):
    """A manager, a user and one server of theirs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "cetmix_tower_server.group_"
        context = {"no_reset_password": True}
        cls.user = new_test_user(cls.env, "srv_user", f"base.group_user,{group}user", context=context)
        cls.manager = new_test_user(
            cls.env, "srv_manager", f"base.group_user,{group}manager", context=context
        )
        cls.stranger = new_test_user(
            cls.env, "srv_stranger", f"base.group_user,{group}manager", context=context
        )
        cls.server = cls._new_server(
            name="Web",
            user_ids=[(6, 0, cls.user.ids)],
            manager_ids=[(6, 0, cls.manager.ids)],
        )

    @classmethod
    def _new_server(cls, **values):
        vals = {
            "name": "Server",
            "ip_v4_address": "192.0.2.10",
            "ssh_username": "tower",
            "ssh_password": "correct horse",
            "user_ids": [(6, 0, [])],
            "manager_ids": [(6, 0, [])],
        }
        return cls.env["cx.tower.server"].create({**vals, **values})

    @classmethod
    def _new_key(cls, **values):
        cls.private_key = make_private_key()
        vals = {"name": "Key", "key_type": "k", "secret_value": cls.private_key}
        return cls.env["cx.tower.key"].create({**vals, **values})
