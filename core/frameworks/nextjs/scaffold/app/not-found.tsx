import Link from 'next/link';

export default function NotFound() {
  return (
    <main className="wrap">
      <div className="empty">
        <h2>There is nothing here</h2>
        <p>The address may be mistyped, or what was here is gone.</p>
        <Link className="button" href="/">Go to the start</Link>
      </div>
    </main>
  );
}
