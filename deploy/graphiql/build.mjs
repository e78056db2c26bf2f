// GraphiQL, from the packages beside this file to the folder that the site serves. Every name holds the hash of what is
// in its file; built.json says which two of them a page needs.
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const BUILT = path.resolve(import.meta.dirname, "../../api/site/static/graphiql");

const common = {
  absWorkingDir: import.meta.dirname,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  outdir: BUILT,
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "linked",
  loader: { ".ttf": "file" },
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"' },
  metafile: true,
  logLevel: "warning",
};

/** The name of the file made from an entry point. */
function made({ outputs }, entryPoint) {
  const name = Object.keys(outputs).find((output) => outputs[output].entryPoint === entryPoint);
  return path.basename(name);
}

await rm(BUILT, { recursive: true, force: true });

const workers = {
  JSON_WORKER: "node_modules/monaco-editor/esm/vs/language/json/json.worker.js",
  GRAPHQL_WORKER: "node_modules/monaco-graphql/esm/graphql.worker.js",
  EDITOR_WORKER: "node_modules/monaco-editor/esm/vs/editor/editor.worker.js",
};
const threads = (await build({ ...common, entryPoints: Object.values(workers) })).metafile;
const addresses = Object.entries(workers).map(([name, entry]) => [name, JSON.stringify(`./${made(threads, entry)}`)]);

const page = (
  await build({
    ...common,
    entryPoints: ["page.jsx"],
    splitting: true,
    define: { ...common.define, ...Object.fromEntries(addresses) },
  })
).metafile;
const script = made(page, "page.jsx");
const { cssBundle } = Object.values(page.outputs).find(({ entryPoint }) => entryPoint === "page.jsx");
// It holds the style of what is loaded later, too: nobody asks for those sheets.
for (const sheet of Object.keys(page.outputs).filter((name) => name.endsWith(".css") && name !== cssBundle)) {
  await rm(path.resolve(import.meta.dirname, sheet));
}
await writeFile(path.join(BUILT, "built.json"), JSON.stringify({ script, style: path.basename(cssBundle) }));
