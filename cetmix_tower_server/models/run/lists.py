from odoo import api, models
from odoo.tools import SQL

#: Runs are counted up to here, as the web client counts the rows of a list: a log may have millions of them.
COUNT_LIMIT = 10_000


class CxTowerRunMixin(models.AbstractModel):
    """How lists, counters and cards read a log of millions of runs: newest first, by index, and never all of it."""

    _inherit = "cx.tower.run.mixin"

    # In the order of the lists. Whoever reads a list by server, person or state reads its first rows only.
    _newest = models.Index("(start_date DESC, id DESC)")
    _newest_of_server = models.Index("(server_id, start_date DESC, id DESC)")
    _newest_of_user = models.Index("(user_id, start_date DESC, id DESC)")
    # Most runs succeed; these filters are for the others. Two states at once need an index of their own to come in order.
    _newest_by_state = models.Index("(state, start_date DESC, id DESC) WHERE state != 'done'")
    _newest_failures = models.Index("(start_date DESC, id DESC) WHERE state IN ('failed', 'interrupted')")

    # For the filters by date; small, and next to nothing to keep, for a table that is written in the order of time.
    _queued = models.Index("USING brin (queued_date)")

    @api.model
    def _count_by(self, field_name, owners, domain=()):
        """Count the runs of records, as far as the caller may read them.

        :param str field_name: many2one that leads from a run to its owner
        :param owners: records
        :param domain: which runs count
        :return: {id of an owner: number of runs}; COUNT_LIMIT + 1 stands for "more than COUNT_LIMIT"
        """
        rows = self._query_of_each(field_name, owners, domain, limit=COUNT_LIMIT + 1)
        if not rows:
            return {}
        return dict(self.env.execute_query(SQL(
            "SELECT owner.id, (SELECT count(*) FROM %s AS counted) FROM unnest(%s::int[]) AS owner (id)", rows, owners.ids
        )))  # fmt: skip

    @api.model
    def _newest_by(self, field_name, owners, domain=()):
        """Find the newest run of records, among those that the caller may read.

        :return: {id of an owner: run}; owners without a run are missing
        """
        rows = self._query_of_each(field_name, owners, domain, limit=1)
        if not rows:
            return {}
        found = self.env.execute_query(SQL(
            "SELECT owner.id, newest.id FROM unnest(%s::int[]) AS owner (id) CROSS JOIN LATERAL %s AS newest",
            owners.ids, rows,
        ))  # fmt: skip
        runs = self.browse(run_id for _owner_id, run_id in found)  # so that they are fetched together
        return {owner_id: run for (owner_id, _run_id), run in zip(found, runs, strict=True)}

    def _query_of_each(self, field_name, owners, domain, limit):
        """Return the subselect of the newest runs of the row ``owner``, for a LATERAL join; None: nothing to read."""
        field = self._fields[field_name]
        self.flush_model([field_name, "start_date"])
        query = self._search(list(domain), order=self._order, limit=limit)
        if query.is_empty():  # the caller may read none at all
            return None
        query.add_where(SQL("%s = owner.id", self._field_to_sql(self._table, field.name, query)))
        return query.subselect()
