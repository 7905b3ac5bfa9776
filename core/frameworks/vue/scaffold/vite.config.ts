import tailwindcss from '@tailwindcss/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [vue(), tailwindcss()],
  build: { cssTarget: 'esnext' }, // light-dark() and the like as they are written
  // By hand: `npm start` serves the API, `npm run dev` the page.
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
