// Checks the syntax of every JavaScript file below the working folder, in one process; runs none of it.
// Run as `node --experimental-vm-modules --no-warnings check_js.cjs`.
'use strict';
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const SKIPPED = new Set(['node_modules', '.git']);

function* scripts(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) yield* scripts(name);
    else if (entry.isFile() && /\.[cm]?js$/.test(entry.name)) yield name;
  }
}

const asModule = (text, filename) => new vm.SourceTextModule(text, { identifier: filename });
const asScript = (text, filename) => vm.compileFunction(text.replace(/^#!.*/, ''), ['exports', 'require', 'module', '__filename', '__dirname'], { filename });

function parse(file, modules) {
  const text = fs.readFileSync(file, 'utf8');
  const first = file.endsWith('.mjs') || (modules && !file.endsWith('.cjs')) ? asModule : asScript;
  try {
    first(text, file);
  } catch (error) {
    // What a browser loads may be either.
    if (!/^(public|static|assets|dist)[/\\]/.test(file)) throw error;
    (first === asModule ? asScript : asModule)(text, file);
  }
}

let modules = false;
try {
  modules = JSON.parse(fs.readFileSync('package.json', 'utf8')).type === 'module';
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
let bad = 0;
let count = 0;
for (const file of scripts('.')) {
  count += 1;
  try {
    parse(file, modules);
  } catch (error) {
    bad += 1;
    // Node's own check says line and column, which the parser above does not.
    const said = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' }).stderr.split('\n    at ')[0].trim();
    console.error(said.replaceAll(process.cwd() + path.sep, '') || `${file}: ${error.name}: ${error.message}`);
  }
}
console.log(bad ? `${bad} of ${count} files are not valid JavaScript.` : `${count} files are valid JavaScript.`);
process.exitCode = bad ? 1 : 0;
