// The whole page over `schema.json`: header, sections, and the section that the address names.

import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';

import { initial } from './format';
import { Icon } from './Icon';
import { describe, type Schema, type Section } from './schema';
import { SectionView, type Place } from './SectionView';
import { Toasts } from './toasts';
import { useTheme } from './useTheme';

interface Props {
  schema: Schema;
  account?: ReactNode; // who is signed in, where the app has accounts
}

export function ListApp({ schema, account }: Props) {
  const sections = useMemo(() => schema.resources.map(describe), [schema]);
  const [place, show] = usePlace(sections);
  useShortcuts();
  useEffect(() => { document.title = schema.title; }, [schema]);
  return (
    <Toasts>
      <a className="skip" href="#main">Skip to the list</a>
      <Header schema={schema} account={account}>
        {sections.length > 1 && sections.map((section) => (
          <a key={section.name} className="tab" href={`#/${section.name}`} aria-current={section === place?.section ? 'page' : undefined}>
            {section.label}
          </a>
        ))}
      </Header>
      <main className="wrap" id="main" tabIndex={-1}>
        {place ? <SectionView key={keyOf(place)} place={place} sections={sections} onShow={show} /> : <Nothing />}
      </main>
    </Toasts>
  );
}

const keyOf = (place: Place) => `${place.section.name} ${JSON.stringify(place.filters)}`;

/** The section that the address names (`#/invoices`), or the first; and the function that goes to another. */
function usePlace(sections: Section[]): [Place | null, (place: Place) => void] {
  const fromAddress = useCallback((): Place | null => {
    const wanted = typeof location === 'undefined' ? '' : decodeURIComponent(location.hash.replace(/^#\//, ''));
    const section = sections.find(({ name }) => name === wanted) ?? sections[0];
    return section ? { section, filters: {}, filterLabel: '' } : null;
  }, [sections]);
  const [place, setPlace] = useState(fromAddress);
  useEffect(() => {
    const follow = () => { if (location.hash.startsWith('#/') || location.hash === '') setPlace(fromAddress()); };
    window.addEventListener('hashchange', follow);
    window.addEventListener('popstate', follow);
    return () => {
      window.removeEventListener('hashchange', follow);
      window.removeEventListener('popstate', follow);
    };
  }, [fromAddress]);
  const show = useCallback((next: Place) => {
    if (location.hash !== `#/${next.section.name}`) history.pushState(null, '', `#/${next.section.name}`);
    setPlace(next);
  }, []);
  return [place, show];
}

const SHORTCUTS: Record<string, string> = { '/': 'search', n: 'new' };

/** `/` goes to the search, `n` makes a new record. */
function useShortcuts() {
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '') || document.querySelector('dialog[open]');
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = SHORTCUTS[event.key];
      const element = target && document.getElementById(target);
      if (!element) return;
      event.preventDefault();
      if (target === 'new') element.click();
      else element.focus();
    }
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

function Header({ schema, account, children }: Props & { children: ReactNode }) {
  const [dark, toggle] = useTheme(schema.theme);
  return (
    <header className="top">
      <div className="wrap top-row">
        <span className="mark" id="mark" aria-hidden="true">{initial(schema.title)}</span>
        <h1 id="title">{schema.title}</h1>
        {account}
        <button className="icon-button" id="theme" type="button" aria-label="Switch between light and dark" title="Light or dark" onClick={toggle}>
          <Icon name={dark ? 'sun' : 'moon'} />
        </button>
      </div>
      <nav className="wrap tabs" id="tabs" aria-label="Sections">{children}</nav>
    </header>
  );
}

function Nothing() {
  return (
    <div className="empty">
      <span className="empty-mark"><Icon name="box" /></span>
      <h2>Nothing here yet</h2>
      <p>This app has no sections. Describe what it should keep.</p>
    </div>
  );
}
