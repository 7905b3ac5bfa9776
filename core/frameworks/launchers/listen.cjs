// Preloaded (`node --require`) into every Node app, for the platform.
//
// Where NEXUS_SOCKET is set, listening on PORT (whatever the app calls to do it) happens on that unix socket instead, which the
// proxy, another user, may connect to. On SIGTERM servers close, and the process ends within 3 seconds.
'use strict';
const fs = require('node:fs');
const net = require('node:net');

const socket = process.env.NEXUS_SOCKET;
const port = process.env.PORT;
const listen = net.Server.prototype.listen;
const servers = new Set();
let taken = false;

const wanted = (first) => {
  if (first === undefined || first === null || typeof first === 'function') return true;
  const value = typeof first === 'object' ? first.port : first;
  return value !== undefined && value !== null && String(value) === String(port ?? '');
};

net.Server.prototype.listen = function (...args) {
  servers.add(this);
  this.once('close', () => servers.delete(this));
  if (!socket || taken || !wanted(args[0])) return listen.apply(this, args);
  taken = true;
  // Not rmSync, which looks at the file first: node's realpathSync takes the next folder that it knows for the socket seen last, and
  // gives up, so that modules behind a linked node_modules are loaded by the wrong path.
  try { fs.unlinkSync(socket); } catch { /* none was left behind */ }
  const ready = args.filter((value) => typeof value === 'function').slice(-1);
  this.once('listening', () => {
    try { fs.chmodSync(socket, 0o666); } catch { /* closed again meanwhile */ }
  });
  const before = process.umask(0o111);
  try {
    return listen.call(this, { path: socket }, ...ready);
  } finally {
    process.umask(before);
  }
};

function stop() {
  for (const server of servers) {
    server.close();
    if (typeof server.closeIdleConnections === 'function') server.closeIdleConnections();
  }
  setTimeout(() => process.exit(0), 3000).unref();
  const idle = setInterval(() => {
    if (servers.size === 0) process.exit(0);
    for (const server of servers) server.closeIdleConnections?.();
  }, 20);
  idle.unref();
  setImmediate(() => { if (servers.size === 0) process.exit(0); });
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
