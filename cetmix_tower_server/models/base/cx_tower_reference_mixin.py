import re
from collections import defaultdict
from contextlib import contextmanager

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL
from psycopg2.errors import UniqueViolation

# Attempts at a new reference while other transactions take it at the same moment.
REFERENCE_ATTEMPTS = 100
LENGTH_MAX = 500  # characters of names and references: a row of an index holds 2,704 bytes
NAMED = 20  # unknown names that a message lists at most
COPY_SUFFIX = re.compile(r" \(copy(?: \d+)?\)$")
CONFLICTING_VALUE = re.compile(r"\)=\((.*)\)")  # "Key (reference)=(web) ...", the same in every language


class CxTowerReferenceMixin(models.AbstractModel):
    """A name for people and a unique reference for scripts, manifests and templates.

    A reference is made from the name, with a number if it is taken. The database ensures uniqueness: if two transactions
    choose the same reference at once, the later one takes the next number.
    """

    _name = "cx.tower.reference.mixin"
    _inherit = ["cx.tower.rights.mixin", "cx.tower.relation.access.mixin"]
    _description = "Tower reference mixin"
    _rec_names_search = ["name", "reference"]

    name = fields.Char(required=True, index="trigram")
    reference = fields.Char(
        copy=False,
        help="Unique identifier for scripts and templates: a-z, 0-9 and _. Leave empty to generate it from the name.",
    )

    # With this operator class one index serves equality and "starts with", whatever the database's collation.
    _reference_unique = models.UniqueIndex(
        "(reference text_pattern_ops)", "This reference is already in use. References must be unique."
    )

    # ------------------------------------------------------------------ look-up

    @api.model
    def get_by_reference(self, reference):
        """Return the record with this reference that the caller may read.

        :param reference: exact reference, case-sensitive
        :return: record, or an empty recordset if there is none; over RPC a list with its id, or an empty list
        """
        if not reference or not isinstance(reference, str):
            return self.browse()
        return self.search([("reference", "=", reference)], limit=1)

    @api.model
    def _get_id_by_reference(self, reference):
        """Return the id of the record with this reference that the caller may read, or False."""
        return self.get_by_reference(reference).id

    @api.model
    def _find_named(self, names):
        """Return the records that ids or references name, without duplicates, in that order, with two queries at most.

        The caller must still check access: a record named by its id may be one that the user cannot read.

        :param names: an id or a reference, or a list of them
        :raise ValidationError: one of them is neither, or names no record
        """
        names = list(names) if isinstance(names, (list, tuple)) else [names]
        if not all(isinstance(name, (int, str)) and not isinstance(name, bool) for name in names):
            raise ValidationError(self.env._("Pass IDs or references of records."))
        references = [name for name in names if isinstance(name, str)]
        found = {record.reference: record.id for record in self.search([("reference", "in", references)])}
        found |= {name: name for name in self.browse(set(names) - set(references)).exists().ids}
        missing = [str(name) for name in names if name not in found]
        if missing:
            raise self._not_found(missing)
        return self.browse(dict.fromkeys(found[name] for name in names))

    @api.model
    def _one_named(self, name):
        """Return the one record of this model that an argument names: a record, an ID or a reference.

        The caller must still check access, as after :meth:`_find_named`.

        :raise ValidationError: it names no record, several, or one of another model
        """
        is_record = isinstance(name, models.BaseModel)
        found = self.browse()
        if is_record and name._name == self._name:
            found = name.with_env(self.env)
        elif name and not is_record:
            found = self._find_named(name)
        if len(found) != 1:
            raise ValidationError(self.env._("Pass one %s: its ID or its reference.", self._kind_of_record()))
        return found

    @api.model
    def _kind_of_record(self):
        """Return what the screens call a record of this model."""
        # sudo: as every person sees it on the screens
        return self.env["ir.model"]._get(self._name).sudo().name

    @api.model
    def _not_found(self, names):
        """Return the error that lists the ids or references which name no record that the caller can see."""
        return ValidationError(
            self.env._(
                "There is no %(kind)s %(names)s, or you do not have access to it.",
                kind=self._kind_of_record(),
                names=", ".join(f"“{name}”" for name in names[:NAMED]),
            )
        )

    # ------------------------------------------------------------------ extension hooks

    @api.model
    def _get_reference_pattern(self):
        """Return the regular expression of one character that a reference may contain."""
        return "[a-z0-9_]"

    @api.model
    def _get_model_generic_reference(self):
        """Return what a reference is made from if there is no name."""
        return self._name.removeprefix("cx.tower.").replace(".", "_")

    @api.model
    def _get_pre_populated_model_data(self):
        """Return {model: (parent model, many2one field)} for models whose references are made from their parent's.

        They have the form ``<parent's reference>_<model>_<number>``.
        """
        return {}

    @api.model
    def _get_extra_vals_fields(self):
        """Return the fields that :meth:`_get_reference_bases` needs besides name and parent."""
        return []

    @api.model
    def _get_dependent_model_relation_fields(self):
        """Return the one2many fields whose records get new references when this record's reference changes."""
        return []

    @api.model
    def _get_reference_bases(self, vals_list):
        """Return [(base, numbered)] for records without a reference of their own.

        :param vals_list: dictionaries with name, parent and the fields of :meth:`_get_extra_vals_fields`
        :return: ``numbered``: a number always follows; otherwise only when the base is taken
        """
        generic = self._get_model_generic_reference()
        _model, relation = self._get_pre_populated_model_data().get(self._name, (None, None))
        if not relation:
            return [(vals.get("name") or generic, False) for vals in vals_list]
        # sudo: only the references of parents, which become part of the children's, whoever creates these
        parents = self.env[self._fields[relation].comodel_name].sudo()
        parents = parents.browse({vals[relation] for vals in vals_list if vals.get(relation)})
        references = {parent.id: parent.reference for parent in parents}
        bases = []
        for vals in vals_list:
            parent = references.get(vals.get(relation))
            bases.append((f"{parent}_{generic}", True) if parent else (vals.get("name") or generic, False))
        return bases

    # ------------------------------------------------------------------ making references

    @api.model
    def _generate_or_fix_reference(self, source):
        """Return a free reference made from ``source``, a name or the reference that is wanted."""
        return self._make_references([(source, False)])[0]

    @api.model
    def _normalize_reference(self, source):
        """Return ``source`` without the characters that a reference must not contain."""
        pattern = self._get_reference_pattern()
        text = re.sub(r"\s", "_", (source or "").strip())
        if "A-Z" not in pattern:
            text = text.lower()
        return "".join(re.findall(pattern, text)) or self._get_model_generic_reference()

    @api.model
    def _make_references(self, bases, taken=(), exclude_ids=()):
        """Return one free reference for each (base, numbered), all different, with one query.

        :param taken: references that are taken although this transaction cannot see them
        :param exclude_ids: records whose own references count as free
        """
        bases = [(self._normalize_reference(base), numbered) for base, numbered in bases]
        used = self._find_taken_references({base for base, _numbered in bases}, exclude_ids) | set(taken)
        numbers = defaultdict(int)  # last number tried for a base
        result = []
        for base, numbered in bases:
            reference = base
            while numbered or reference in used:
                numbers[base] = numbers[base] + 1 if numbers[base] or numbered else 2
                reference = f"{base}_{numbers[base]}"
                if reference not in used:
                    break
            used.add(reference)
            result.append(reference)
        return result

    @api.model
    def _find_taken_references(self, bases, exclude_ids=()):
        """Return the existing references that are one of ``bases``, with or without a number."""
        self.flush_model(["reference"])
        query = SQL(
            """
            SELECT taken.reference
              FROM unnest(%(bases)s) AS base
              JOIN %(table)s AS taken
                ON taken.reference = base
                   -- between base_ and base` in plain byte order: everything that starts with base_
                OR (taken.reference ~>=~ (base || '_') AND taken.reference ~<~ (base || '`')
                    AND substr(taken.reference, length(base) + 2) ~ '^[0-9]+$')
             WHERE taken.id <> ALL(%(exclude)s)
            """,
            bases=sorted(bases),
            table=SQL.identifier(self._table),
            exclude=list(exclude_ids),
        )
        return {reference for (reference,) in self.env.execute_query(query)}

    # ------------------------------------------------------------------ create, write, copy

    @api.model_create_multi
    def create(self, vals_list):
        """Create records, each with a free reference made from the given one or from its name.

        With ``reference_mixin_override`` in the context, a given reference is stored unchanged or refused.
        """
        if not vals_list:
            return super().create(vals_list)
        vals_list = [self._with_trimmed_name(vals) for vals in vals_list]
        bases = self._get_new_reference_bases(vals_list)
        taken = set()
        if self.env.context.get("reference_mixin_override"):
            self._check_given_references(vals_list)
            references = self._make_references(bases, taken)
            return super().create(
                [
                    {**vals, "reference": vals.get("reference") or reference}
                    for vals, reference in zip(vals_list, references, strict=True)
                ]
            )
        for attempts_left in reversed(range(REFERENCE_ATTEMPTS)):
            references = self._make_references(bases, taken)
            complete = [
                {**vals, "reference": reference}
                for vals, reference in zip(vals_list, references, strict=True)
            ]
            try:
                with self._undone_on_error():
                    return super().create(complete)
            except UniqueViolation as err:
                ours = err.diag.constraint_name == self._reference_unique.full_name(self)
                if not ours or not attempts_left:
                    raise
                # Another transaction took it after this one's snapshot: its row is not visible here, but the reference
                # is not free either.
                match = CONFLICTING_VALUE.search(err.diag.message_detail or "")
                taken.update([match[1]] if match else references)

    @contextmanager
    def _undone_on_error(self):
        """Roll back the block, in the database and in the cache, if it raises."""
        self.env.flush_all()  # or earlier changes would be lost with it
        try:
            # A flushing savepoint would run the pre-commit hooks at every creation.
            with self.env.cr.savepoint(flush=False):
                yield
        except Exception:
            self.env.transaction.clear()
            raise

    def _get_new_reference_bases(self, vals_list):
        """Return [(base, numbered)] for records to be created. A given reference is the base itself."""
        bases = [(vals["reference"], False) if vals.get("reference") else None for vals in vals_list]
        without = [vals for vals in vals_list if not vals.get("reference")]
        if not without:
            return bases
        names = self._get_reference_source_fields()
        defaults = self.default_get([name for name in names if any(name not in vals for vals in without)])
        found = iter(self._get_reference_bases([{**defaults, **vals} for vals in without]))
        return [base or next(found) for base in bases]

    @api.model
    def _with_trimmed_name(self, vals):
        """Return ``vals`` with the name stripped, as a form would store it.

        :raise ValidationError: the name is blank; or it, or a given reference, is longer than indexes can hold
        """
        for text in (vals.get("name"), vals.get("reference")):
            if isinstance(text, str) and len(text) > LENGTH_MAX:
                raise ValidationError(
                    self.env._(
                        "A name or reference of %(length)s characters is too long. Use at most %(most)s.",
                        length=len(text),
                        most=LENGTH_MAX,
                    )
                )
        name = vals.get("name")
        if not isinstance(name, str) or not self._trims_names():
            return vals
        if not name.strip():
            raise ValidationError(self.env._("The name is empty. Enter one."))
        return {**vals, "name": name.strip()}

    @api.model
    def _trims_names(self):
        """Return whether names are stripped. File names are not: white space is part of them."""
        return True

    @api.model
    def _check_given_references(self, vals_list):
        """Raise ValidationError for a given reference with illegal characters."""
        for reference in (vals["reference"] for vals in vals_list if vals.get("reference")):
            if not isinstance(reference, str) or self._normalize_reference(reference) != reference:
                raise ValidationError(
                    self.env._(
                        "“%(reference)s” is not a valid reference. Use only the characters %(pattern)s.",
                        reference=reference,
                        pattern=self._get_reference_pattern(),
                    )
                )

    @api.model
    def _get_reference_source_fields(self):
        _model, relation = self._get_pre_populated_model_data().get(self._name, (None, None))
        return ["name", *([relation] if relation else []), *self._get_extra_vals_fields()]

    def write(self, vals):
        vals = self._with_trimmed_name(vals)
        if "reference" not in vals:
            return super().write(vals)
        before = {record.id: record.reference for record in self}
        if vals["reference"]:
            if len(self) > 1:
                raise ValidationError(
                    self.env._(
                        "References are unique: “%(reference)s” cannot be given to %(count)s records.",
                        reference=vals["reference"],
                        count=len(self),
                    )
                )
            if self.env.context.get("reference_mixin_override"):
                self._check_given_references([vals])
            else:
                bases = [(vals["reference"], False)]
                vals = {**vals, "reference": self._make_references(bases, exclude_ids=self.ids)[0]}
            result = super().write(vals)
        else:
            result = super().write({name: value for name, value in vals.items() if name != "reference"})
            self._renew_references()
        changed = self.filtered(lambda record: record.reference != before[record.id])
        changed._renew_dependent_references()
        return result

    def _renew_references(self):
        """Make the references of these records from their names and parents again."""
        # sudo: callers have checked the right to write these records, or the record they belong to
        records = self.sudo().with_context(active_test=False)
        names = self._get_reference_source_fields()
        vals_list = [
            {
                name: record[name].id if record._fields[name].relational else record[name]
                for name in names
                if name in record._fields
            }
            for record in records
        ]
        bases = records._get_reference_bases(vals_list)
        references = self._make_references(bases, exclude_ids=self.ids)
        for record, reference in zip(records, references, strict=True):
            super(CxTowerReferenceMixin, record).write({"reference": reference})

    def _renew_dependent_references(self):
        """Renew the references of the children of these records, which contain their parents'."""
        for name in self._get_dependent_model_relation_fields() if self else []:
            # sudo: also children that the caller does not see; only their references change
            children = self.sudo().with_context(active_test=False)[name]
            if children:
                children._renew_references()
                children._renew_dependent_references()

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        # children that are copied with their parent keep their names
        nested = "__copy_data_seen" in self.env.context
        if nested or "name" in (default or {}) or self.env.context.get("reference_mixin_skip_copy"):
            return vals_list
        named = [vals for vals in vals_list if vals and vals.get("name")]
        for vals, name in zip(named, self._make_copy_names([vals["name"] for vals in named]), strict=True):
            vals["name"] = name
        return vals_list

    @api.model
    def _make_copy_names(self, names):
        """Return a free name for each copy: "x (copy)", "x (copy 2)", ..."""
        if not names:
            return []
        stems = [COPY_SUFFIX.sub("", name) for name in names]
        self.flush_model(["name"])
        query = SQL(
            "SELECT name FROM %s AS existing JOIN unnest(%s) AS stem"
            " ON starts_with(existing.name, stem || ' (copy')",
            SQL.identifier(self._table),
            sorted(set(stems)),
        )
        used = {name for (name,) in self.env.execute_query(query)}
        result = []
        for stem in stems:
            name, number = f"{stem} (copy)", 1
            while name in used:
                number += 1
                name = f"{stem} (copy {number})"
            used.add(name)
            result.append(name)
        return result
