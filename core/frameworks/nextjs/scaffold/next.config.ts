import type { NextConfig } from 'next';

const policy = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-inline'", // Next.js hands its data to the page in scripts of its own
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' https: data: blob:",
  "object-src 'none'",
  "base-uri 'self'",
].join('; ');

const config: NextConfig = {
  poweredByHeader: false,
  images: { unoptimized: true },
  headers: async () => [
    // What is in _next/static/ has its content's hash in its name; all else is asked for anew each time.
    { source: '/:path((?!_next/static/).*)', headers: [{ key: 'cache-control', value: 'no-cache' }, { key: 'content-security-policy', value: policy }] },
    { source: '/api/:path*', headers: [{ key: 'cache-control', value: 'no-store' }] },
  ],
};

export default config;
