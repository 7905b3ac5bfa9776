// Starts a built Next.js app (`node --require listen.cjs launch_next.cjs` in its folder).
//
// What `next start` does, without reading next.config again, which takes a compiler and a second: the built app has it all in
// .next/required-server-files.json.
'use strict';
const { createRequire } = require('node:module');
const path = require('node:path');

const dir = process.cwd();
const need = createRequire(path.join(dir, 'package.json'));
const { config } = need('./.next/required-server-files.json');

process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = JSON.stringify(config);
process.env.NEXT_MANUAL_SIG_HANDLE = '1'; // listen.cjs closes the servers
process.env.NEXT_TELEMETRY_DISABLED = '1';
need('next');
const { startServer } = need('next/dist/server/lib/start-server');

startServer({ dir, config, isDev: false, allowRetry: false, hostname: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
