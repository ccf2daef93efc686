// Reads AsyncAPI documents with the official parser; 1 where one of them has an error.
// Started by the tests: node asyncapi.mjs MODULES FILE...
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, ...files] = process.argv.slice(2);
const { Parser } = createRequire(modules + "/")("@asyncapi/parser");
let wrong = false;
for (const file of files) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  for (const { severity, path, message } of diagnostics.filter((d) => d.severity === 0)) {
    console.log(`${file}: ${severity} ${path.join(".")}: ${message}`);
  }
  wrong ||= !document;
}
process.exit(wrong ? 1 : 0);
