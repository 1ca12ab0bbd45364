import { useService } from "@web/core/utils/hooks";
import { SearchPanel } from "@web/search/search_panel/search_panel";
import { useJetNews } from "./jet_news";

/** The search panel of jets, whose numbers follow what happens. The view beside it is not read again for that. */
export class JetSearchPanel extends SearchPanel {
    setup() {
        super.setup();
        this.orm = useService("orm");
        useJetNews(() => this.count());
    }

    async count() {
        const { orm } = this;
        const { searchModel } = this.env;
        const isCounted = (section) => section.enableCounters;
        // The search model would answer from its cache first, and have the whole view read again when that is outdated.
        const fresh = Object.create(searchModel, { orm: { value: { cache: () => orm.silent } } });
        await fresh._fetchSections(
            searchModel.categories.filter(isCounted),
            searchModel.filters.filter(isCounted),
        );
        this.updateActiveValues();
        this.render();
    }
}
