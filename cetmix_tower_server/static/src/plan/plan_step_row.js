import { Component } from "@odoo/owl";

/** One line of the list of steps. It is drawn again only when one of these has changed. */
export class PlanStepRow extends Component {
    static template = "cetmix_tower_server.PlanStepRow";
    static props = {
        step: Object, // a `Step`, which never changes itself
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

    /** Bootstrap's secondary is made for surfaces: an icon in it can hardly be seen. */
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
