import { Component } from "@odoo/owl";

/** One row of the list of steps. It is rendered again only when one of its props has changed. */
export class PlanStepRow extends Component {
    static template = "cetmix_tower_server.PlanStepRow";
    static props = {
        step: Object, // a `Step`, which is immutable
        time: String,
        remark: String,
        isSelected: Boolean,
        isOpen: Boolean,
        isRunOver: Boolean,
        onSelect: Function,
        onToggle: Function,
    };

    get look() {
        return this.props.step.look(this.props.isRunOver);
    }

    /** Bootstrap's `secondary` is a background color: an icon in it is hardly visible. */
    get iconColor() {
        const { color } = this.look;
        return color === "secondary" ? "muted" : color;
    }

    get exitCode() {
        const { step } = this.props;
        return step.isUnsuccessful ? step.data.exit_code : 0;
    }

    get isMuted() {
        const { state, earlier_run: isEarlier, is_skipped: isSkipped } = this.props.step.data;
        return !state || isEarlier || isSkipped || state === "skipped";
    }

    onToggle(ev) {
        ev.stopPropagation();
        this.props.onToggle(this.props.step.key);
    }
}
