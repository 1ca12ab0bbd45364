import { Component } from "@odoo/owl";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";

/** Downloads the output of a host: as plain text, or raw with its escape sequences. */
export class DownloadMenu extends Component {
    static template = "cetmix_tower_server.DownloadMenu";
    static components = { Dropdown, DropdownItem };
    static props = { url: String };

    get plain() {
        return { href: this.props.url, download: "" };
    }

    get raw() {
        return { href: `${this.props.url}?raw=1`, download: "" };
    }
}
