import schema from '@/lib/schema.json';

/** What the page shows, for whoever asks. */
export const GET = () => Response.json(schema);
