'use client';

/** In place of a page that failed; the app's log says why. */
export default function Failed({ reset }: { error: Error; reset: () => void }) {
  return (
    <main className="wrap">
      <div className="empty" role="alert">
        <h2>That did not load</h2>
        <p>Something went wrong in the app. Try again in a moment.</p>
        <button className="button" type="button" onClick={reset}>Try again</button>
      </div>
    </main>
  );
}
