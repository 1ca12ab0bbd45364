import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { FloatField, floatField } from "@web/views/fields/float/float_field";

/**
 * @param {number} seconds
 * @returns {string} such as "0.3 s", "12 s", "3 min 04 s" or "2 h 05 min"
 */
export function formatSeconds(seconds) {
    if (!seconds) {
        return "";
    }
    if (seconds < 10) {
        return _t("%s s", seconds.toFixed(1));
    }
    const whole = Math.round(seconds);
    const pad = (number) => String(number).padStart(2, "0");
    if (whole < 60) {
        return _t("%s s", whole);
    }
    const minutes = Math.floor(whole / 60);
    return minutes < 60
        ? _t("%(minutes)s min %(seconds)s s", { minutes, seconds: pad(whole % 60) })
        : _t("%(hours)s h %(minutes)s min", { hours: Math.floor(minutes / 60), minutes: pad(minutes % 60) });
}

/** A duration in seconds, shown in readable units. */
export class TowerDurationField extends FloatField {
    get formattedValue() {
        return formatSeconds(this.value);
    }
}

registry.category("fields").add("tower_duration", {
    ...floatField,
    component: TowerDurationField,
    displayName: _t("Duration in seconds"),
});
