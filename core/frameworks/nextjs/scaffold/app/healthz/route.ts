import { query } from '@/lib/db';

/** 200 only while the database answers. */
export async function GET(): Promise<Response> {
  let healthy = false;
  try {
    const { rows } = await query<{ one: number }>('SELECT 1 AS one');
    healthy = rows[0]?.one === 1;
  } catch (error) {
    console.error(`healthz: the database does not answer: ${(error as Error).message}`);
  }
  return Response.json({ status: healthy ? 'ok' : 'unavailable', database: healthy }, { status: healthy ? 200 : 503 });
}
