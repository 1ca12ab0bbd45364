import hashlib
import hmac
import urllib.parse

import dns
import dns.exception
import dns.resolver
import dns.reversename
import requests
import tldextract
from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import float_compare, ormcache
from odoo.tools.safe_eval import datetime, dateutil, json, time, wrap_module
from pytz import timezone

# No download of a suffix list: the one that the library ships is used.
_extract = tldextract.TLDExtract(suffix_list_urls=())

LIBRARIES = {
    "re": (
        wrap_module(
            __import__("re"),
            [
                "compile",
                "escape",
                "findall",
                "finditer",
                "fullmatch",
                "match",
                "search",
                "split",
                "sub",
                "subn",
            ]
            + ["ASCII", "DOTALL", "I", "IGNORECASE", "M", "MULTILINE", "S", "VERBOSE", "X"],
        ),
        "Python's re",
    ),
    "time": (time, "Python's time"),
    "datetime": (datetime, "Python's datetime"),
    "dateutil": (dateutil, "dateutil (parser, relativedelta, rrule, tz)"),
    "timezone": (timezone, "pytz.timezone"),
    "requests": (
        wrap_module(requests, ["get", "post", "put", "patch", "delete", "head", "request"]),
        "requests: get, post, put, patch, delete, head, request. Give a timeout.",
    ),
    "urllib_parse": (
        wrap_module(
            urllib.parse,
            ["urlparse", "urlunparse", "urljoin", "urlsplit", "urlencode", "quote", "quote_plus", "unquote"]
            + ["unquote_plus", "parse_qs", "parse_qsl"],
        ),
        "Python's urllib.parse",
    ),
    "json": (json, "Python's json (dumps, loads)"),
    "float_compare": (float_compare, "Odoo's float_compare"),
    "UserError": (UserError, "raise UserError(...) ends the command with your message"),
    "hashlib": (
        wrap_module(hashlib, ["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256"]),
        "Python's hashlib",
    ),
    "hmac": (wrap_module(hmac, ["new", "compare_digest"]), "Python's hmac"),
    "tldextract": (_extract, "tldextract: splits a host name into subdomain, domain and suffix"),
    "dns": (
        wrap_module(
            dns,
            {
                "resolver": ["resolve", "query"],
                "reversename": ["from_address"],
                "exception": ["DNSException"],
            },
        ),
        "dnspython: resolver, reversename, exception",
    ),
}


class CxTowerCommand(models.Model):
    """Python commands: who may write them, and which names their code finds."""

    _inherit = "cx.tower.command"

    # ------------------------------------------------------------------
    # Who may write Python
    # ------------------------------------------------------------------

    @api.model
    def _check_may_write_code(self, action):
        """Raise AccessError unless the caller may write code for this action.

        Python gets ``env`` and so reaches everything in the database: writing it takes the group “Python author”.
        """
        if self.env.su:
            return
        if not self.env["cx.tower.command"].has_access("create"):
            raise AccessError(self.env._("You may not write commands. Only Tower Managers may."))
        if action == "python_code" and not self.env.user.has_group("cetmix_tower_server.group_python_author"):
            raise AccessError(
                self.env._(
                    "You may not write Python commands: their code can reach everything in the database. Ask an"
                    " administrator for the group “Tower: Python author”."
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        """Create commands; Python ones only for Python authors, wherever the action came from (defaults too)."""
        commands = super().create(vals_list)
        # sudo: whether one is Python decides, not whether the caller may read it
        if any(command.action == "python_code" for command in commands.sudo()):
            self._check_may_write_code("python_code")
        return commands

    def write(self, vals):
        # sudo: as in create
        if vals.get("action") == "python_code" or (
            "code" in vals and any(command.sudo().action == "python_code" for command in self)
        ):
            self._check_may_write_code("python_code")
        return super().write(vals)

    # ------------------------------------------------------------------
    # What Python code finds
    # ------------------------------------------------------------------

    @api.model
    def _get_python_command_libraries(self):
        """Return {name: {"import": object, "help": text}} of the libraries that Python code may use."""
        libraries = {name: {"import": library, "help": text} for name, (library, text) in LIBRARIES.items()}
        for names in self._custom_python_libraries().values():
            libraries.update(names)
        return libraries

    @api.model
    def _custom_python_libraries(self):
        """Return libraries of other addons: {addon: {name: {"import": object, "help": text}}}. Extension point."""
        return {}

    @api.model
    def _get_python_command_odoo_objects(self, server, jet_template=None, jet=None, waypoint=None, **scopes):
        """Return {name: {"import": object, "help": text}} of the Odoo objects in Python code. Extension point.

        :param scopes: what else the run's target names, see ``cx.tower.run.target.mixin._get_python_scopes``
        """
        return {
            "uid": {"import": self.env.uid, "help": self.env._("id of the person who started the run")},
            "user": {"import": self.env.user, "help": self.env._("the person who started the run")},
            "env": {
                "import": self.env,
                "help": self.env._("Odoo environment of the person who runs the code"),
            },
            "server": {"import": server, "help": self.env._("server the command runs for")},
            "jet_template": {"import": jet_template, "help": self.env._("jet template, with the jet addon")},
            "jet": {"import": jet, "help": self.env._("jet, with the jet addon")},
            "waypoint": {"import": waypoint, "help": self.env._("waypoint, with the jet addon")},
            "tower": {"import": self.env["cetmix.tower"], "help": self.env._("Tower's helper methods")},
            "tower_servers": {"import": self.env["cx.tower.server"], "help": self.env._("servers")},
            "tower_commands": {"import": self.env["cx.tower.command"], "help": self.env._("commands")},
            "tower_plans": {"import": self.env["cx.tower.plan"], "help": self.env._("flight plans")},
            "tower_jets": {"import": (), "help": self.env._("jets, with the jet addon; empty without it")},
            "tower_waypoints": {
                "import": (),
                "help": self.env._("waypoints, with the jet addon; empty without it"),
            },
        }

    @api.model
    def _get_python_command_eval_context(self, server, custom_values, **scopes):
        """Return the names that Python code finds.

        :param server: record, in the environment of the person who runs the code
        :param dict custom_values: custom values of the run; the code may change them
        """
        names = self._get_python_command_libraries() | self._get_python_command_odoo_objects(server, **scopes)
        context = {name: entry["import"] for name, entry in names.items()}
        return context | {"custom_values": custom_values, "result": None}

    @api.depends("action")
    def _compute_command_help(self):
        for command in self:
            is_python = command.action == "python_code"
            command.command_help = self._python_help() if is_python else False

    @api.model
    @ormcache("self.env.lang")
    def _python_help(self):
        """Return the help of the Python action as HTML."""
        objects = self._get_python_command_odoo_objects(self.env["cx.tower.server"])
        names = objects | self._get_python_command_libraries()
        values = {
            "names": [(name, entry["help"]) for name, entry in sorted(names.items())],
            "example": 'result = {"exit_code": 0, "message": "done on %s" % server.name}',
        }
        return self.env["ir.qweb"]._render("cetmix_tower_server.python_help", values)
