// Runs binaryen's wasm-opt many times in one process: its start alone costs more than what it does here.
//
//     node generate.js WASM_OPT
//
// Each line of standard input is a JSON array, the arguments of one run; the answer is a line with "ok", or with what
// was said on standard error as a JSON string. wasm-opt is a script of Emscripten's that expects to be a process.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");

const tool = path.resolve(process.argv[2]);
const START = "createWasm().then(()=>run());";

let source = fs.readFileSync(tool, "utf8").replace(/^#!.*\n/, "").trimEnd();
if (!source.endsWith(START)) {
  process.stderr.write(`${tool} does not end as expected: another version of binaryen?\n`);
  process.exit(2);
}
const script = new Function(
  "Module", "process", "require", "module", "exports", "__filename", "__dirname",
  `${source.slice(0, -START.length)}\nreturn createWasm().then(()=>run());`,
);
source = undefined;

let compiled;
const instantiate = WebAssembly.instantiate;
WebAssembly.instantiate = async (binary, imports) => {
  compiled = await WebAssembly.compile(binary);
  return { module: compiled, instance: await instantiate(compiled, imports) };
};

async function run(words) {
  const said = [];
  const say = (text) => said.push(text);
  const module = { print: say, printErr: say };
  if (compiled) {
    module.instantiateWasm = (imports, receive) => {
      instantiate(compiled, imports).then(receive);
      return {};
    };
  }
  const own = Object.create(process, {
    argv: { value: [process.argv[0], tool, ...words] },
    exitCode: { value: 0, writable: true },
    on: { value: () => own },
  });
  try {
    await script(module, own, require, { exports: {} }, {}, tool, path.dirname(tool));
  } catch (error) {
    return `${said.join("\n")}\n${error}`;
  }
  return own.exitCode ? said.join("\n") || `status ${own.exitCode}` : "ok";
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const answer = await run(JSON.parse(line));
    process.stdout.write(`${answer === "ok" ? answer : JSON.stringify(answer)}\n`);
  }
})();
