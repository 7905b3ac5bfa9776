// Builds a Next.js app (`node build_next.cjs` in its folder), so that the same files give the same bytes.
//
// It is also the adapter that `next build` asks for its configuration (NEXT_ADAPTER_PATH): whatever next.config says, an app is built for
// a read-only folder, without a cache, with its packages where the platform has installed them. NEXUS_BUILD_KEY, 64 hexadecimal
// digits, stands in for all that Next.js would draw by lot.
'use strict';
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const APP = '/app'; //: where the app is when it runs; here it may be anywhere
const LARGEST_MAP = 400_000;
const KEPT = new Set(['server', 'static', 'node_modules', 'package.json', 'BUILD_ID']);
const FOR_BUILDING = new Set(['export-marker.json', 'next-server.js.nft.json', 'required-server-files.js']);

const key = (purpose) => createHash('sha256').update(`${purpose} ${process.env.NEXUS_BUILD_KEY}`).digest('hex');

exports.name = 'nexus';

exports.modifyConfig = (config, { projectDir }) => {
  const packages = path.dirname(fs.realpathSync(path.join(projectDir, 'node_modules')));
  const elsewhere = packages === fs.realpathSync(projectDir) ? {} : { packages: { path: packages } };
  return {
    ...config,
    output: undefined,
    distDir: '.next',
    generateBuildId: () => key('build').slice(0, 20),
    images: { ...config.images, unoptimized: true },
    turbopack: { ...config.turbopack, root: projectDir },
    experimental: {
      ...config.experimental,
      isrFlushToDisk: false,
      turbopackAdditionalRoots: elsewhere,
      turbopackFileSystemCacheForBuild: false,
      turbopackPluginRuntimeStrategy: process.env.NEXUS_LOOPBACK ? 'childProcesses' : 'workerThreads',
    },
  };
};

function* below(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) yield* below(name);
    else if (entry.isFile()) yield name;
  }
}

/** Whether a source map leads to files of the app: those of packages are large, and of no use in a log. */
function tells(file) {
  const text = fs.readFileSync(file, 'utf8');
  if (text.length > LARGEST_MAP) return false;
  const map = JSON.parse(text);
  const sources = (map.sections ?? [{ map }]).flatMap((section) => section.map.sources ?? []);
  return sources.some((source) => !source.startsWith('turbopack:'));
}

function tidy() {
  for (const name of fs.readdirSync('.next')) {
    const kept = KEPT.has(name) || (name.endsWith('.json') && !FOR_BUILDING.has(name));
    if (!kept) fs.rmSync(path.join('.next', name), { recursive: true });
  }
  for (const file of below('.next/server')) {
    if (file.endsWith('.nft.json') || (file.endsWith('.map') && !tells(file))) fs.rmSync(file);
  }
  settleKeys();
  const settings = JSON.parse(fs.readFileSync('.next/required-server-files.json', 'utf8'));
  delete settings.config.adapterPath;
  delete settings.config.experimental.turbopackAdditionalRoots;
  const text = JSON.stringify(settings, null, 1).replaceAll(JSON.stringify(process.cwd()).slice(1, -1), APP);
  fs.writeFileSync('.next/required-server-files.json', text);
  linkPackages();
}

/** Next.js draws the keys of its preview mode by lot; no setting names them. */
function settleKeys() {
  const drawn = Object.entries(JSON.parse(fs.readFileSync('.next/server/preview-props.json', 'utf8')));
  for (const file of below('.next')) {
    if (!/manifest\.js(on)?$|preview-props\.json$/.test(file)) continue;
    const text = fs.readFileSync(file, 'utf8');
    const settled = drawn.reduce((result, [name, value]) => result.replaceAll(value, key(name).slice(0, value.length)), text);
    if (settled !== text) fs.writeFileSync(file, settled);
  }
}

/** Packages that are not bundled are linked to by their place on this machine; they are below node_modules wherever the app is. */
function linkPackages() {
  const modules = fs.realpathSync('node_modules');
  for (const link of fs.existsSync('.next/node_modules') ? links('.next/node_modules') : []) {
    const inside = path.relative(modules, fs.realpathSync(link));
    fs.unlinkSync(link);
    fs.symlinkSync(path.join(path.relative(path.dirname(link), 'node_modules'), inside), link);
  }
}

function* links(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isSymbolicLink()) yield name;
    else if (entry.isDirectory()) yield* links(name);
  }
}

/** The helpers of the build are processes, spoken to over TCP. Behind walls without it they are threads, which Node.js 24 may crash on. */
const loopback = () => new Promise((resolve) => {
  const server = net.createServer().on('error', () => resolve('')).listen(0, '127.0.0.1', () => server.close(() => resolve('1')));
});

async function main() {
  fs.rmSync('.next', { recursive: true, force: true });
  const env = {
    ...process.env,
    NEXUS_LOOPBACK: await loopback(),
    NEXT_ADAPTER_PATH: __filename,
    NEXT_SERVER_ACTIONS_ENCRYPTION_KEY: Buffer.from(key('actions'), 'hex').toString('base64'),
    NEXT_TELEMETRY_DISABLED: '1',
  };
  const { status } = spawnSync(process.execPath, ['node_modules/next/dist/bin/next', 'build'], { env, stdio: 'inherit' });
  if (status === 0) tidy();
  process.exitCode = status ?? 1;
}

if (require.main === module) main();
