import { Component } from "@odoo/owl";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** Field dependencies of a `RunWidget`. */
export const RUN_WIDGET_FIELDS = [{ name: "state", type: "selection" }];

/** Base of the widgets that show a run on its form. */
export class RunWidget extends Component {
    static props = { ...standardWidgetProps };

    /**
     * Reloads the form of a run that has ended, if the form does not show that state yet. The state in the form decides,
     * because a run may end before the widget reads it for the first time.
     *
     * @param {string} state in which the run ended
     * @returns {Promise<void> | undefined}
     */
    onFinished(state) {
        const { record } = this.props;
        if (record.data.state !== state) {
            return record.load();
        }
    }
}
