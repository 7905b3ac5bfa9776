import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: { cssTarget: 'esnext' }, // light-dark() and the like as they are written
  // By hand: `npm start` serves the API, `npm run dev` the page.
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
