import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...engine.masking.in_use import mask_values_in_use
from ...engine.values.plain import UnstorableValue, plain


class CxTowerMetadataMixin(models.AbstractModel):
    """For models on whose records scripts keep facts of their own, as a JSON object."""

    _name = "cx.tower.metadata.mixin"
    _description = "Tower metadata mixin"

    metadata = fields.Json(
        readonly=True, copy=False, groups="cetmix_tower_server.group_manager", help="Written by scripts."
    )
    metadata_text = fields.Text(
        string="Metadata (text)",
        compute="_compute_metadata_text",
        groups="cetmix_tower_server.group_manager",
    )

    @api.depends("metadata")
    def _compute_metadata_text(self):
        for record in self:
            metadata = record.metadata
            record.metadata_text = (
                json.dumps(metadata, indent=2, sort_keys=True, ensure_ascii=False) if metadata else False
            )

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [
            {**vals, "metadata": self._storable_metadata(vals["metadata"], {})}
            if vals.get("metadata")
            else vals
            for vals in vals_list
        ]
        return super().create(vals_list)

    def write(self, vals):
        if not vals.get("metadata"):
            return super().write(vals)
        # sudo: the present metadata of these records decides what is new; writing checks the caller's right
        present = [record.metadata or {} for record in self.sudo()]
        stored = [self._storable_metadata(vals["metadata"], metadata) for metadata in present]
        if all(metadata == stored[0] for metadata in stored):
            return super().write({**vals, "metadata": stored[0]} if stored else vals)
        for record, metadata in zip(self, stored, strict=True):
            super(CxTowerMetadataMixin, record).write({**vals, "metadata": metadata})
        return True

    @api.model
    def _storable_metadata(self, metadata, present):
        """Return metadata as it may be stored: JSON, without the secrets of the run that writes it.

        Metadata is there to be read. Secrets in new values and in their keys are masked as in everything else that people read.

        :param present: stored metadata; keys that keep their values are not looked at
        :raise ValidationError: not a dictionary with text keys, or not JSON
        """
        self._check_is_json_object(metadata)
        kept = {key: value for key, value in metadata.items() if key in present and present[key] == value}
        changed = {key: value for key, value in metadata.items() if key not in kept}
        return kept | mask_values_in_use(changed)

    @api.model
    def _check_is_json_object(self, metadata):
        if not isinstance(metadata, dict) or not all(isinstance(key, str) for key in metadata):
            raise ValidationError(self.env._("Metadata must be a dictionary with text keys."))
        try:
            plain(metadata, "metadata")
            json.dumps(metadata, allow_nan=False)
        except UnstorableValue as err:
            raise ValidationError(self.env._("Metadata must be JSON: %s", err)) from err
        except (TypeError, ValueError) as err:
            raise ValidationError(
                self.env._(
                    "Metadata must be JSON: strings, finite numbers, booleans, lists and dictionaries."
                )
            ) from err

    def update_metadata(self, metadata):
        """Merge keys into the metadata of these records; other keys keep their values.

        Secrets of the run that calls this are masked.

        :param metadata: dictionary with text keys and JSON values
        :return: True
        :raise ValidationError: not a dictionary, or not JSON
        :raise AccessError: the caller may not write one of the records
        """
        self.check_access("write")
        self._check_is_json_object(metadata)
        for record in self:
            # a Json field returns a copy: only assigning a new value changes it
            record.metadata = {**(record.metadata or {}), **metadata}
        return True
