"""Set-up that Tower's tests share. No ``test_*`` method belongs here: inherited ones do not run."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from odoo.tests import TransactionCase, new_test_user

from ..engine.bounded import pool

GROUP_USER = "cetmix_tower_server.group_user"
GROUP_MANAGER = "cetmix_tower_server.group_manager"
GROUP_ROOT = "cetmix_tower_server.group_root"


def slow(test):
    """Mark a test, or a class with all that derive from it: `setup/test fast` leaves it out."""
    return test


class TowerCommon(TransactionCase):
    """People of every level, and factories.

    ``outsider`` is an internal user without Tower, ``user`` and ``user_2`` are Users, ``manager`` and
    ``manager_2`` Managers, ``root`` is Root. Nobody has a role on a record until a test gives one.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(pool.end_idle)  # Odoo's tests complain about processes that are left
        cls.outsider = cls._new_person("outsider", "base.group_user")
        cls.user = cls._new_person("user", GROUP_USER)
        cls.user_2 = cls._new_person("user_2", GROUP_USER)
        cls.manager = cls._new_person("manager", GROUP_MANAGER)
        cls.manager_2 = cls._new_person("manager_2", GROUP_MANAGER)
        cls.root = cls._new_person("root", GROUP_ROOT)

    @classmethod
    def _new_person(cls, name, group):
        return new_test_user(
            cls.env,
            login=f"tower_{name}",
            name=f"Tower {name}",
            groups=f"base.group_user,{group}",
            context={"no_reset_password": True, "mail_create_nosubscribe": True},
        )

    @classmethod
    def _roles(cls, users=None, managers=None):
        """Return values that give exactly these people the roles."""
        return {
            "user_ids": [(6, 0, users.ids if users else [])],
            "manager_ids": [(6, 0, managers.ids if managers else [])],
        }

    @classmethod
    def _new_server(cls, name="Server", users=None, managers=None, person=None, **values):
        """Create a server as ``person`` (default: the superuser) with exactly these people in its roles."""
        vals = {
            "name": name,
            "ip_v4_address": "192.0.2.10",
            "ssh_username": "tower",
            "ssh_password": "not used",
            **cls._roles(users, managers),
            **values,
        }
        return cls._as(cls.env["cx.tower.server"], person).create(vals)

    @classmethod
    def _new_command(cls, name="Command", users=None, managers=None, person=None, **values):
        """Create a command as ``person`` with exactly these people in its roles."""
        vals = {"name": name, "code": "true", **cls._roles(users, managers), **values}
        return cls._as(cls.env["cx.tower.command"], person).create(vals)

    @classmethod
    def _new_plan(cls, name="Plan", commands=(), users=None, managers=None, person=None, **values):
        """Create a flight plan as ``person`` with exactly these people in its roles.

        :param commands: one line each, in this order: commands, or dictionaries of values of lines
        """
        lines = [
            values_of_line if isinstance(values_of_line, dict) else {"command_id": values_of_line.id}
            for values_of_line in commands
        ]
        vals = {
            "name": name,
            "line_ids": [(0, 0, {"sequence": number, **line}) for number, line in enumerate(lines, 1)],
            **cls._roles(users, managers),
            **values,
        }
        return cls._as(cls.env["cx.tower.plan"], person).create(vals)

    @classmethod
    def _new_secret(
        cls, name="Secret", value="secret value", users=None, managers=None, person=None, **values
    ):
        """Create a secret (type "s") with a global value as ``person`` with exactly these people in its roles."""
        vals = {"name": name, "key_type": "s", "secret_value": value, **cls._roles(users, managers), **values}
        return cls._as(cls.env["cx.tower.key"], person).create(vals)

    @classmethod
    def _new_ssh_key(cls, name="SSH key", users=None, managers=None, person=None, **values):
        """Create an SSH key as ``person`` with exactly these people in its roles."""
        vals = {
            "name": name,
            "key_type": "k",
            "secret_value": make_private_key(),
            **cls._roles(users, managers),
            **values,
        }
        return cls._as(cls.env["cx.tower.key"], person).create(vals)

    @classmethod
    def _as(cls, records, person):
        return records.with_user(person) if person else records


def make_private_key(kind="ed25519", passphrase=None, pem=False):
    """Return the text of a new private key.

    :param kind: "rsa", "ecdsa" or "ed25519"
    :param pem: PKCS#8 instead of the OpenSSH format
    """
    make = {
        "rsa": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    format_ = serialization.PrivateFormat.PKCS8 if pem else serialization.PrivateFormat.OpenSSH
    return make[kind]().private_bytes(serialization.Encoding.PEM, format_, encryption).decode()
