// Removes the source maps of installed packages (`node trim_modules.cjs` beside node_modules): nobody debugs those here, and they are a
// quarter of what Next.js installs and of the memory that it starts with.
'use strict';
const fs = require('node:fs');
const path = require('node:path');

function trim(folder) {
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) trim(name);
    else if (entry.isFile() && entry.name.endsWith('.map')) fs.unlinkSync(name);
  }
}

trim('node_modules');
