// Builds the browser parts into ../static/built; `manage.py build_assets` calls this.
import { copyFile, mkdir } from "node:fs/promises";
import { build } from "esbuild";

const out = new URL("../static/built/", import.meta.url).pathname;
await mkdir(out, { recursive: true });

await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: { portal: "src/portal.js", theme: "src/theme.js", viewer: "src/viewer.js", reading: "src/reading.js", upload_worker: "src/upload/worker.js" },
  outdir: out,
  alias: { zarrita: "./src/viewer/no_zarr.js" },
  logOverride: { "import-is-undefined": "silent" },
  bundle: true,
  minify: true,
  sourcemap: true,
  format: "iife",
  target: ["es2021"],
  logLevel: "warning",
});
await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: { portal: "src/css/portal.css" },
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: true,
  target: ["chrome111", "firefox113", "safari16.2"],
  logLevel: "warning",
});
// For the accessibility tests only; no page links it.
await copyFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), `${out}axe.min.js`);
