import json
from datetime import timedelta
from xmlrpc.client import Fault

from odoo import fields
from odoo.tests import HttpCase, new_test_user

from ..engine.bounded import pool

PASSWORD = "a long test password"
PROTOCOLS = ("json2", "xmlrpc", "jsonrpc")


class Refused(Exception):
    """Odoo answered with an error."""


class ApiCase(HttpCase):
    """People of each level with API keys, and three ways to call as one of them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(pool.end_idle)  # Odoo's tests complain about processes that are left
        cls.env["ir.config_parameter"].sudo().set_param("cetmix_tower_server.backend", "inline")
        cls.people, cls.keys = {}, {}
        groups = {name: f"cetmix_tower_server.group_{name}" for name in ("user", "manager", "root")}
        groups["stranger"] = "base.group_user"
        for name, group in groups.items():
            person = new_test_user(cls.env, f"api_{name}", f"base.group_user,{group}", password=PASSWORD)
            cls.add_person(name, person)
        cls.server = (
            cls.env["cx.tower.server"]
            .with_context(skip_ssh_settings_check=True)
            .create(
                {
                    "name": "API",
                    "reference": "api_server",
                    "ip_v4_address": "127.0.0.1",
                    "ssh_username": "tower",
                    "user_ids": [(4, cls.people["user"].id)],
                    "manager_ids": [(4, cls.people["manager"].id)],
                }
            )
        )
        cls.command = cls.env["cx.tower.command"].create(
            {
                "name": "API",
                "reference": "api_command",
                "action": "python_code",
                "code": 'result = {"exit_code": 0, "message": user.login}',
                "access_level": "1",
                "user_ids": [(4, cls.people["user"].id)],
            }
        )
        cls.secret_command = cls.env["cx.tower.command"].create(
            {"name": "Root only", "reference": "root_command", "code": "true", "access_level": "3"}
        )

    @classmethod
    def add_person(cls, name, person):
        """Give somebody an API key; ``name`` is what calls are made as."""
        cls.people[name] = person
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        cls.keys[name] = cls.env["res.users.apikeys"].with_user(person)._generate("rpc", "test", tomorrow)

    # ------------------------------------------------------------------ three ways to call

    def json2(self, who, model, method, ids=None, **arguments):
        """Return (HTTP status, answer)."""
        body = {**arguments, **({"ids": ids} if ids is not None else {})}
        answer = self.url_open(
            f"/json/2/{model}/{method}",
            data=json.dumps(body),
            headers={"Authorization": f"bearer {self.keys[who]}", "Content-Type": "application/json"},
        )
        return answer.status_code, answer.json()

    def xmlrpc(self, who, model, method, *arguments, **keywords):
        person = self.people[who]
        return self.xmlrpc_object.execute_kw(
            self.env.cr.dbname, person.id, self.keys[who], model, method, list(arguments), keywords
        )

    def jsonrpc(self, who, model, method, *arguments, **keywords):
        call = [
            self.env.cr.dbname,
            self.people[who].id,
            self.keys[who],
            model,
            method,
            list(arguments),
            keywords,
        ]
        body = {"jsonrpc": "2.0", "params": {"service": "object", "method": "execute_kw", "args": call}}
        answer = self.url_open(
            "/jsonrpc", data=json.dumps(body), headers={"Content-Type": "application/json"}
        )
        return answer.json()

    def call(self, protocol, who, model, method, ids=None, **arguments):
        """Return the answer of a call over one of the protocols.

        :raise Refused: Odoo answered with an error
        """
        if protocol == "json2":
            status, answer = self.json2(who, model, method, ids, **arguments)
            if status != 200:
                raise Refused(answer["message"])
            return answer
        positional = [] if ids is None else [ids]
        if protocol == "jsonrpc":
            answer = self.jsonrpc(who, model, method, *positional, **arguments)
            if "error" in answer:
                raise Refused(answer["error"]["data"]["message"])
            return answer["result"]
        try:
            return self.xmlrpc(who, model, method, *positional, **arguments)
        except Fault as fault:
            raise Refused(fault.faultString) from None
