from odoo import api, models
from odoo.addons.cetmix_tower_server.models.base.transactions import (
    GUARD_WAIT_S,
    brief_locks,
    in_own_transaction,
)
from odoo.exceptions import AccessError, UserError, ValidationError
from psycopg2.errors import LockNotAvailable, UniqueViolation

from ...engine.dependency_order import install_order, needed_by
from .cx_tower_jet_template_install import FAILED, INSTALL, PROCESSING, UNINSTALL

NAMED = 5  # records that a message names at most


class CxTowerJetTemplate(models.Model):
    """Installing a template on servers and removing it: who may, what is in the way, what it takes.

    The number of queries does not depend on the number of servers, except where flight plans are started.
    """

    _inherit = "cx.tower.jet.template"

    # ------------------------------------------------------------------ public

    def install_on_servers(self, servers):
        """Install this template, and those it needs, on servers. The deepest comes first; each runs its install plan.

        :param servers: records, or an id or a reference, or a list of them
        :return: list of dicts, one a server: ``server`` (reference), ``server_id``, ``installation`` (id, 0 for none), ``state``
            ("processing", "done", "failed", or "skipped": nothing to do), ``skipped`` (references of templates that were
            there already), ``message``
        :raise AccessError: unless the caller may change the template and read the servers
        :raise UserError: somebody else has just begun the same; nothing has changed
        :raise ValidationError: there is no such server
        """
        self.ensure_one()
        self.check_access("read")
        servers = self._servers_argument(servers)
        self._check_may_install(servers)
        template = self.sudo()  # sudo: the right to install includes all that the template needs
        servers = servers.sudo()  # sudo: as the template
        needed = template._needed_templates()
        present = template._where_installed(needed, servers)
        live = template._live_installs(servers)
        skipped = {
            server: template._why_not_install(server, present, live)
            for server in servers
            if not server.active or self.id in present[server.id] or server.id in live
        }
        return template._begin(INSTALL, servers, skipped, {server.id: needed for server in servers}, present)

    def uninstall_from_servers(self, servers, raise_if_not_possible=True):
        """Remove this template from servers. Its uninstall plan runs. The templates that it needs stay.

        :param servers: as of :meth:`install_on_servers`
        :param raise_if_not_possible: False: skip the servers where it is not possible and say why
        :return: as :meth:`install_on_servers`
        :raise AccessError, ValidationError: as :meth:`install_on_servers`
        :raise UserError: it is not installed, jets of it are there, or installed templates need it; nothing has changed
        """
        self.ensure_one()
        self.check_access("read")
        servers = self._servers_argument(servers)
        self._check_may_install(servers)
        template = self.sudo()  # sudo: the right to uninstall includes running the uninstall plan
        refused = template._why_not_uninstall(servers.sudo(), self.env)  # sudo: as the template
        if refused and raise_if_not_possible:
            raise UserError("\n".join(refused.values()))
        own = {server.id: template for server in servers}
        return template._begin(UNINSTALL, servers.sudo(), refused, own, {})  # sudo: as the template

    def _is_installation_needed(self, server):
        """Return whether this template is not installed on a server yet. Extension point."""
        self.ensure_one()
        return self not in server.sudo().jet_template_ids  # sudo: only whether

    # ------------------------------------------------------------------ rights and arguments

    def _servers_argument(self, servers):
        Server = self.env["cx.tower.server"]
        if isinstance(servers, models.BaseModel):
            if servers._name != Server._name:
                raise ValidationError(self.env._("Pass servers: their IDs or references."))
            return servers.with_env(self.env)
        found = Server._find_named(servers or [])
        if not found:
            raise ValidationError(self.env._("Choose at least one server."))
        return found

    def _check_may_install(self, servers):
        """Raise AccessError unless the caller may install this template on these servers, or remove it.

        That includes running its install and uninstall plans, and those of the templates that it needs: their authors decided
        about them.
        """
        self.check_access("read")
        servers.check_access("read")
        if not self.has_access("write"):
            raise AccessError(
                self.env._(
                    "You may not install or uninstall “%(template)s”. %(who)s",
                    template=self.name,
                    who=self._who_may_write(),
                )
            )

    # ------------------------------------------------------------------ what is there

    def _needed_templates(self):
        """Return this template and those it needs, in the order in which they are installed."""
        needs = self.env["cx.tower.jet.template.dependency"]._all_needs()
        return self.browse(install_order(needs, self.ids))

    @api.model
    def _where_installed(self, templates, servers):
        """Return {server id: ids of those of these templates that are installed there}, with one query.

        The rows that are found are changed, so of two transactions of which one relies on an installed template and the other
        one begins to remove it, or has removed it, the database undoes one; it is tried again.
        """
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE cx_tower_jet_template_server_rel installed SET server_id = installed.server_id
                 FROM (SELECT jet_template_id, server_id FROM cx_tower_jet_template_server_rel
                        WHERE jet_template_id = ANY(%s) AND server_id = ANY(%s)
                        ORDER BY jet_template_id, server_id FOR NO KEY UPDATE) found
                WHERE installed.jet_template_id = found.jet_template_id AND installed.server_id = found.server_id
            RETURNING installed.server_id, installed.jet_template_id""",
            (templates.ids, servers.ids),
        )
        found = {server.id: set() for server in servers}
        for server_id, template_id in self.env.cr.fetchall():
            found[server_id].add(template_id)
        return found

    def _live_installs(self, servers):
        """Return {server id: installation of this template that is going on there}, as superuser."""
        installs = self.env["cx.tower.jet.template.install"].sudo()  # sudo: only whether, and who started it
        domain = [
            ("jet_template_id", "=", self.id),
            ("server_id", "in", servers.ids),
            ("state", "=", PROCESSING),
        ]
        return {install.server_id.id: install for install in installs.search(domain)}

    def _why_not_install(self, server, present, live):
        if server.id in live:
            return live[server.id]._live_text()
        if not server.active:
            return self.env._("%s is archived. Unarchive it first.", server.name)
        return self.env._(
            "“%(template)s” is already installed on %(server)s.", template=self.name, server=server.name
        )

    def _why_not_uninstall(self, servers, env):
        """Return {server: why this template cannot be removed from there}, without those where it can. Six queries.

        :param env: of the caller: only what they may read is named
        """
        present = self._where_installed(self, servers)
        live = self._live_installs(servers)
        jets = self._living_jets(servers)
        dependants = self._installed_dependants(servers)
        refused = {}
        for server in servers:
            if server.id in live:
                refused[server] = live[server.id]._live_text()
            elif not present[server.id]:
                refused[server] = self.env._(
                    "“%(template)s” is not installed on %(server)s.", template=self.name, server=server.name
                )
            elif server.id in jets:
                refused[server] = self.with_env(env)._jets_there_text(self, server, jets[server.id].ids)
            elif server.id in dependants:
                refused[server] = self.env._(
                    "“%(template)s” cannot be uninstalled from %(server)s: it is needed by %(others)s. Uninstall these first.",
                    template=self.name,
                    server=server.name,
                    others=self._named(dependants[server.id].with_env(env)),
                )
        return refused

    def _named(self, records):
        """Return the names of records for a message; of those that the caller may not read, only the number."""
        # exists: some may have been created after this transaction began
        shown = records.exists()._filtered_access("read")[:NAMED]
        names = [f"“{name}”" for name in shown.mapped("name")]
        if left := len(records) - len(shown):
            names.append(self.env._("%s more", left) if names else str(left))
        return ", ".join(names)

    def write(self, vals):
        """Say by hand where a template is installed: nothing is run. It stays where jets of it are."""
        before = {template: template.sudo().server_ids for template in self} if "server_ids" in vals else {}
        # sudo: servers that the caller does not see count, too
        result = super().write(vals)
        for template, servers in before.items():
            gone = servers - template.sudo().server_ids
            jets = template._find_living_jets(gone) if gone else {}
            for server_id, jet_ids in jets.items():
                raise UserError(self._jets_there_text(template, gone.browse(server_id), jet_ids))
        return result

    def _jets_there_text(self, template, server, jet_ids):
        return self.env._(
            "“%(template)s” cannot be uninstalled from %(server)s while jets of it are there: %(jets)s. Destroy or delete them first.",
            template=template.name,
            server=server.name,
            jets=self._named(self.env["cx.tower.jet"].browse(jet_ids)),
        )

    def _living_jets(self, servers):
        """Return {server id: jets of this template there}. Destroyed ones do not count: nothing of them is left on the server.

        Jets that were created since this transaction began count, too: it would not see them. Nobody creates another one until
        it ends, because its row of the installed template is changed (:meth:`_hold_installed`).
        """
        found = in_own_transaction(
            self.env,
            lambda env: self.with_env(env)._find_living_jets(servers),
            "looking for jets of a template",
            read_committed=True,
        )
        seen = self._find_living_jets(servers)
        jets = self.env["cx.tower.jet"]
        return {
            server_id: jets.browse(sorted({*seen.get(server_id, ()), *(found or {}).get(server_id, ())}))
            for server_id in {*seen, *(found or {})}
        }

    def _find_living_jets(self, servers):
        """Return {server id: ids of the jets of this template there}, as far as this transaction sees them."""
        jets = self.env["cx.tower.jet"].sudo().with_context(active_test=False)  # sudo: all of them count
        domain = [
            ("jet_template_id", "=", self.id),
            ("server_id", "in", servers.ids),
            "|",
            ("active", "=", True),
            ("state_id", "!=", False),
        ]
        groups = jets._read_group(domain, ["server_id"], ["id:array_agg"])
        return {server.id: ids for server, ids in groups}

    def _hold_installed(self, server):
        """Keep this template installed on a server until the end of the transaction, for a jet that is created there.

        :raise UserError: it is being removed
        """
        self.env.cr.execute(
            "SELECT FROM cx_tower_jet_template_server_rel WHERE jet_template_id = %s AND server_id = %s FOR SHARE",
            (self.id, server.id),
        )
        live = self._live_installs(server).get(server.id)
        if live and live.action == UNINSTALL:
            raise UserError(live._live_text())

    def _installed_dependants(self, servers):
        """Return {server id: templates there that need this one, directly or through others, also those being installed}."""
        needs = self.env["cx.tower.jet.template.dependency"]._all_needs()
        others = sorted(needed_by(needs, self.id))
        self.env.cr.execute(
            """SELECT server_id, array_agg(DISTINCT jet_template_id) FROM (
                   SELECT server_id, jet_template_id FROM cx_tower_jet_template_server_rel
                    UNION ALL
                   SELECT server_id, jet_template_id FROM cx_tower_jet_template_install
                    WHERE state = 'processing' AND action = 'install') there
                WHERE jet_template_id = ANY(%s) AND server_id = ANY(%s) GROUP BY server_id""",
            (others, servers.ids),
        )
        return {server_id: self.browse(ids) for server_id, ids in self.env.cr.fetchall()}

    # ------------------------------------------------------------------ beginning

    def _begin(self, action, servers, skipped, templates, present):
        """Create and begin one installation a server. In the caller's transaction.

        :param skipped: {server: why nothing is done there}
        :param templates: {server id: templates in the order in which they are processed}
        :param present: {server id: ids of templates that are there already and left out}
        :return: see :meth:`install_on_servers`
        """
        chosen = servers.filtered(lambda server: server not in skipped)
        installs = self._create_installs(action, chosen, templates, present)
        by_server = {install.server_id: install for install in installs}
        for install in installs:
            install._continue()
        return [
            by_server[server]._start_result(templates[server.id], present.get(server.id, ()))
            if server in by_server
            else {
                "server": server.reference,
                "server_id": server.id,
                "installation": 0,
                "state": "skipped",
                "skipped": [self.reference],
                "message": skipped[server],
            }
            for server in servers
        ]

    def _create_installs(self, action, servers, templates, present):
        """Create installations with their lines. The unique index lets only one of any number of callers do it.

        :raise UserError: another caller has it; nothing has changed
        """
        vals_list = []
        for server in servers:
            missing = [one for one in templates[server.id] if one.id not in present.get(server.id, ())]
            lines = [
                {"jet_template_id": one.id, "order": order}
                for order, one in zip(range(len(missing), 0, -1), missing, strict=True)
            ]
            vals_list.append(
                {
                    "jet_template_id": self.id,
                    "server_id": server.id,
                    "user_id": self.env.user.id,
                    "action": action,
                    "line_ids": [(0, 0, line) for line in lines],
                }
            )
        try:
            with brief_locks(self.env, GUARD_WAIT_S):
                return self.env["cx.tower.jet.template.install"].create(vals_list)
        except (UniqueViolation, LockNotAvailable):
            raise self._already_begun() from None

    def _already_begun(self):
        return UserError(
            self.env._(
                "Somebody else has just begun to install “%s” there, or to remove it. Open the installations to follow it.",
                self.name,
            )
        )


class CxTowerJetTemplateInstall(models.Model):
    """Trying a failed installation again, and what callers are told."""

    _inherit = "cx.tower.jet.template.install"

    @api.model
    def install(self, server, template):
        """Install a template on a server; see :meth:`cx.tower.jet.template.install_on_servers`.

        :param server: record, id or reference
        :param template: record, id or reference of the jet template
        :return: the installation; empty when there is nothing to do
        :raise AccessError, UserError, ValidationError: as :meth:`cx.tower.jet.template.install_on_servers`
        """
        return self._started(self._template_argument(template).install_on_servers(server))

    @api.model
    def uninstall(self, server, template):
        """Remove a template from a server; see :meth:`cx.tower.jet.template.uninstall_from_servers`.

        Parameters, result and errors: as of :meth:`install`
        """
        return self._started(self._template_argument(template).uninstall_from_servers(server))

    def _template_argument(self, template):
        self.check_access("read")
        return self.env["cx.tower.jet.template"]._one_named(template)

    @api.model
    def _started(self, results):
        return self.browse(result["installation"] for result in results if result["installation"])

    def retry(self):
        """Continue this failed installation, or removal, with the template that failed. What is done is not done again.

        :return: dict as of :meth:`cx.tower.jet.template.install_on_servers`
        :raise AccessError: as :meth:`cx.tower.jet.template.install_on_servers`
        :raise UserError: it has not failed, or the same is going on already
        """
        self.ensure_one()
        self.check_access("read")
        self.jet_template_id._check_may_install(self.server_id)
        install = self.sudo()  # sudo: nobody may write installations; the right to install was checked
        if install.state != FAILED:
            raise UserError(
                self.env._("Only a failed installation can be tried again: %s.", self.display_name)
            )
        template = install.jet_template_id
        if install.action == UNINSTALL:
            refused = template._why_not_uninstall(install.server_id, self.env)
            if refused:
                raise UserError("\n".join(refused.values()))
            templates, present = template, set()
        else:
            templates = template._needed_templates()
            present = template._where_installed(templates, install.server_id)[install.server_id.id]
        install._take_again(self.env.user)
        install._plan_lines([one for one in templates if one.id not in present])
        install._continue()
        return install._start_result(templates, present)

    def action_retry(self):
        """Continue this failed installation (button).

        :return: True
        :raise AccessError, UserError: as :meth:`retry`
        """
        self.retry()
        return True

    def _take_again(self, user):
        """Make this installation a running one again.

        :raise UserError: the same is going on already
        """
        try:
            with brief_locks(self.env, GUARD_WAIT_S):
                self.write({"state": PROCESSING, "user_id": user.id, "message": False, "date_done": False})
        except (UniqueViolation, LockNotAvailable):
            raise self.jet_template_id._already_begun() from None

    def _plan_lines(self, templates):
        """Make the lines that are not done those of these templates: dependencies may have changed meanwhile."""
        lines = {line.jet_template_id: line for line in self.line_ids if line.state != "done"}
        for template in set(lines).difference(templates):
            lines.pop(template).unlink()
        for order, template in zip(range(len(templates), 0, -1), templates, strict=True):
            vals = {"order": order, "state": "to_process", "message": False}
            if template in lines:
                lines[template].write(vals)
            else:
                lines[template] = self.env["cx.tower.jet.template.install.line"].create(
                    {**vals, "jet_template_install_id": self.id, "jet_template_id": template.id}
                )
        self.invalidate_recordset(["line_ids"])

    def _start_result(self, templates, present):
        """Return plain values for who began this installation."""
        return {
            "server": self.server_id.reference,
            "server_id": self.server_id.id,
            "installation": self.id,
            "state": self.state,
            "skipped": [one.reference for one in templates if one.id in present],
            "message": self.message or "",
        }

    def _live_text(self):
        """Return the sentence that says that this installation is going on."""
        person = self.user_id.name or self.env._("a deleted user")
        facts = {"template": self.jet_template_id.name, "server": self.server_id.name, "person": person}
        if self.action == INSTALL:
            return self.env._(
                "“%(template)s” is being installed on %(server)s already (started by %(person)s).", **facts
            )
        return self.env._("“%(template)s” is being removed from %(server)s (started by %(person)s).", **facts)
