import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";

const ICONS = {
    run: "fa-play-circle text-success",
    skip: "fa-step-forward text-muted",
    later: "fa-clock-o text-info",
    problem: "fa-exclamation-circle text-danger",
};

/** The lines of a flight plan on one server; the lines of a plan inside follow the line that runs it. */
export class DryRunLines extends Component {
    static template = "cetmix_tower_server.DryRunLines";
    static props = { lines: Array, showsCode: Boolean, depth: { type: Number, optional: true } };
    static components = {};

    get depth() {
        return this.props.depth || 0;
    }

    iconOf(line) {
        return ICONS[line.outcome];
    }

    labelOf(line) {
        const labels = {
            run: _t("Runs"),
            skip: _t("Is skipped"),
            later: _t("Decided later"),
            problem: _t("Has a problem"),
        };
        return labels[line.outcome];
    }
}

DryRunLines.components.DryRunLines = DryRunLines;
