from collections import defaultdict

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .taking import take_free


class CxTowerJet(models.Model):
    """The seats of jets: numbers from 1 for each template and server, which hold its limit against creations at the same time.

    Every jet has one, also without a limit, so that a limit can be set later. A destroyed jet has none.
    """

    _inherit = "cx.tower.jet"

    def _take_place(self):
        """Take what these jets hold while they exist on their servers: seats. Extension point.

        Called when they are created, and again before the create action of a jet that was destroyed.

        :raise UserError: there is no place left
        """
        self._take_seats()

    def _free_place(self):
        """Give back what :meth:`_take_place` took: these jets were destroyed. Extension point."""
        self.flush_model(["seat"])
        # NULL: the ORM would write 0, a seat that only one destroyed jet could have
        self.env.cr.execute("UPDATE cx_tower_jet SET seat = NULL WHERE id = ANY(%s)", (self.ids,))
        self.invalidate_recordset(["seat"], flush=False)

    def _take_seats(self):
        jets = self.sudo().filtered(lambda jet: not jet.seat)  # sudo: Tower's own note
        if not jets:
            return
        self.flush_model(["jet_template_id", "server_id", "seat"])
        taken = jets._find_taken_seats()

        def take():
            seats = jets._choose_seats(taken)
            query = "UPDATE cx_tower_jet jet SET seat = new.seat FROM unnest(%s, %s) AS new (id, seat) WHERE jet.id = new.id"
            # not logged: that another transaction was faster is no error
            self.env.cr.execute(query, (list(seats), list(seats.values())), log_exceptions=False)

        def learn(key):
            template_id, server_id, seat = map(int, key.split(","))
            taken[template_id, server_id].add(seat)

        index = self._seat_unique.full_name(self)
        take_free(lambda: self.env.cr.savepoint(flush=False), index, take, learn)
        jets.invalidate_recordset(["seat"], flush=False)

    def _find_taken_seats(self):
        """Return {(template id, server id): set of seats} for the templates and servers of these jets."""
        query = SQL(
            "SELECT jet_template_id, server_id, seat FROM cx_tower_jet"
            " WHERE seat IS NOT NULL AND jet_template_id = ANY(%s) AND server_id = ANY(%s)",
            self.jet_template_id.ids,
            self.server_id.ids,
        )
        taken = defaultdict(set)
        for template_id, server_id, seat in self.env.execute_query(query):
            taken[template_id, server_id].add(seat)
        return taken

    def _choose_seats(self, taken):
        """Return {jet id: seat}: the lowest free one for each of these jets.

        :param taken: as :meth:`_find_taken_seats` returns it
        :raise UserError: a template has no place left on a server. Jets count, not the highest seat: a limit may have been
            lowered while higher seats were taken.
        """
        chosen, used = {}, {pair: set(seats) for pair, seats in taken.items()}
        for jet in self:
            template, server = jet.jet_template_id, jet.server_id
            seats = used.setdefault((template.id, server.id), set())
            if template._is_full(len(seats)):
                raise UserError(template._full_text(server))
            seat = next(number for number in range(1, len(seats) + 2) if number not in seats)
            seats.add(seat)
            chosen[jet.id] = seat
        return chosen


class CxTowerJetTemplate(models.Model):
    """The limit of jets on a server."""

    _inherit = "cx.tower.jet.template"

    def _is_full(self, count):
        return 0 < self.limit_per_server <= count

    def _full_text(self, server):
        return self.env._(
            "The limit of “%(template)s” is reached on “%(server)s” (jets per server: %(limit)s). Destroy one of them, choose"
            " another server, or raise the limit of the template.",
            template=self.name,
            limit=self.limit_per_server,
            server=server.name,
        )
