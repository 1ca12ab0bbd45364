from odoo import api, models

from ..base.engine_context import engine_says, heard


class CxTowerVariableTextMixin(models.AbstractModel):
    """For models with texts that may use variables: an author may only name variables that they may read.

    Otherwise anyone who may write a command, a file or a value could read any variable with it. Running a text that somebody
    else wrote needs no such right, because its author had it. So a text is checked when it changes, unless it comes from a
    record whose author was checked (a file template, an option).
    """

    _name = "cx.tower.variable.text.mixin"
    _description = "Tower variable text mixin"

    @api.model
    def _get_variable_text_fields(self):
        """Return the names of the fields whose texts may use variables."""
        return []

    def _variable_texts(self):
        """Return {field: text} of this record's texts that are rendered."""
        self.ensure_one()
        return {name: self[name] or "" for name in self._get_variable_text_fields()}

    def _texts_of_others(self):
        """Return {field: text} of texts that this record may take over from another author."""
        self.ensure_one()
        return {}

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        if not self.env.su:
            # the stored texts: they may come from defaults or computes, too
            records._check_named_variables({})
        return records

    def write(self, vals):
        if self.env.su:
            return super().write(vals)
        # all fields: writing one may change others
        before = {record.id: record._variable_texts() for record in self}
        result = super().write(vals)
        self._check_named_variables(before)
        return result

    def copy(self, default=None):
        """Copy the records. Their texts, and those of children that are copied with them, count as their authors'."""
        if self.env.su:
            return super().copy(default)
        copier = self.with_context(**engine_says(tower_copied_texts=frozenset(self._all_texts())))
        return super(CxTowerVariableTextMixin, copier).copy(default).with_env(self.env)

    def _all_texts(self):
        """Return the texts of these records and of the children that are copied with them."""
        texts = {text for record in self for text in record._variable_texts().values()}
        for name, field in self._fields.items():
            if (
                field.type == "one2many"
                and field.copy
                and hasattr(self.env[field.comodel_name], "_all_texts")
            ):
                texts |= self[name]._all_texts()
        return texts

    def _check_named_variables(self, before):
        """Raise AccessError if a changed text names a variable that the caller may not read.

        :param before: {id: previous texts of the record}
        """
        texts, copied = [], heard(self.env, "tower_copied_texts") or frozenset()
        for record in self:
            known, others = before.get(record.id, {}), record._texts_of_others()
            for name, text in record._variable_texts().items():
                if text not in ("", known.get(name), others.get(name)) and text not in copied:
                    texts.append(text)
        self.env["cx.tower.variable"]._check_may_name(texts)
