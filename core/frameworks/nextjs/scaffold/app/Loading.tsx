/** What is there until the page's own code has come. */
export function Loading() {
  return (
    <main className="wrap">
      <p className="loading" role="status">Loading…</p>
      <noscript><p className="notice">This page needs JavaScript.</p></noscript>
    </main>
  );
}
