// Runs a module under node's WASI: `node under_node.mjs MODULE.wasm [HOST::GUEST]... -- ARGUMENTS`.
import { readFileSync } from 'node:fs';
import { WASI } from 'node:wasi';

const [file, ...rest] = process.argv.slice(2);
const split = rest.indexOf('--');
const preopens = Object.fromEntries(rest.slice(0, split).map((grant) => grant.split('::').reverse()));
const wasi = new WASI({ version: 'preview1', args: ['program', ...rest.slice(split + 1)], preopens, returnOnExit: true });
const module = new WebAssembly.Module(readFileSync(file));
process.exitCode = wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
