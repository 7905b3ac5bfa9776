// The page: what Vite has built into dist/. Any other address that is no file shows the page too, which then decides what it means.

import path from 'node:path';

import express from 'express';

const POLICY = "default-src 'self'; img-src 'self' https: data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'";

const files = express.static('dist', {
  cacheControl: false,
  setHeaders(response, file) {
    // What is in assets/ has its content's hash in its name.
    response.set('cache-control', file.includes(`${path.sep}assets${path.sep}`) ? 'public, max-age=31536000, immutable' : 'no-cache');
    if (file.endsWith('.html')) response.set('content-security-policy', POLICY);
  },
});

function page(request, response, next) {
  const isPage = ['GET', 'HEAD'].includes(request.method) && !/^\/api(\/|$)/.test(request.path) && !path.extname(request.path);
  if (!isPage || !request.accepts('html')) return next();
  // Under its own address: no slash is put behind it.
  const headers = { 'cache-control': 'no-cache', 'content-security-policy': POLICY };
  return response.sendFile('index.html', { root: 'dist', cacheControl: false, headers }, (error) => error && next(error));
}

export const pages = express.Router().use(files, page);
