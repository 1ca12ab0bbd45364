import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

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

    def update_metadata(self, metadata):
        """Merge keys into the metadata of these records; other keys keep their values.

        :param metadata: dictionary with text keys and JSON values
        :return: True
        :raise ValidationError: not a dictionary, or not JSON
        :raise AccessError: the caller may not write one of the records
        """
        self.check_access("write")
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
        for record in self:
            # a Json field returns a copy: only assigning a new value changes it
            record.metadata = {**(record.metadata or {}), **metadata}
        return True
