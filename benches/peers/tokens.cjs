// Counts o200k_base tokens: one JSON array of strings on standard input, one JSON array of numbers on standard output.
const { createRequire } = require("node:module");
const { encode } = createRequire(process.argv[2] + "/package.json")("gpt-tokenizer/encoding/o200k_base");
const texts = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
// Text that looks like a special token is text.
console.log(JSON.stringify(texts.map((text) => encode(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() }).length)));
