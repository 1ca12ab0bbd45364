import { loadBundle } from "@web/core/assets";

/** Loads dagre when the first graph is shown. */
export async function loadGraphLibrary() {
    if (!globalThis.dagre) {
        await loadBundle("cetmix_tower_jet.assets_dagre");
    }
    return globalThis.dagre;
}
