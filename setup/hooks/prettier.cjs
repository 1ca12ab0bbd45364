// Runs prettier with its XML plugin. prettier looks for plugins only below the current folder; the hook's own
// environment is elsewhere, so we tell it where.
const { spawnSync } = require("node:child_process");
const path = require("node:path");

const folder = path.dirname(require.resolve("prettier/package.json"));
const program = path.join(
    folder,
    require("prettier/package.json").bin.prettier || require("prettier/package.json").bin,
);
const plugin = require.resolve("@prettier/plugin-xml");
const options = ["--write", "--list-different", "--ignore-unknown", `--plugin=${plugin}`];
const done = spawnSync(process.execPath, [program, ...options, ...process.argv.slice(2)], {
    stdio: "inherit",
});
process.exit(done.status === null ? 1 : done.status);
