// Puts the app together: health, the JSON API, the page.

import express from 'express';

import { database } from './src/db.js';
import { features } from './src/features.js';
import { pages } from './src/pages.js';
import { NotFound, problems } from './src/problems.js';
import { resources } from './src/resources/index.js';

const app = express();
app.disable('x-powered-by');
app.set('query parser', 'simple');
app.use(express.json({ limit: '1mb', strict: false, type: () => true }));

/** 200 only while the database answers. */
app.get('/healthz', async (request, response) => {
  let healthy = false;
  try {
    const { rows } = await database.query('SELECT 1 AS one');
    healthy = rows[0].one === 1;
  } catch (error) {
    console.error(`healthz: the database does not answer: ${error.message}`);
  }
  response.status(healthy ? 200 : 503).json({ status: healthy ? 'ok' : 'unavailable', database: healthy });
});

app.use('/api', (request, response, next) => {
  response.on('finish', () => console.log(`${request.method} ${request.originalUrl} ${response.statusCode}`));
  next();
});
for (const feature of features) feature(app);
for (const resource of resources) app.use(`/api/${resource.table}`, resource.router());

app.use(pages);
app.use(() => { throw new NotFound('There is nothing at this address.'); });
app.use(problems);

const port = Number(process.env.PORT ?? 3000);
app.listen(port, process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`Listening on ${process.env.NEXUS_SOCKET ?? port}`);
});
