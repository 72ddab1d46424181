// Small pieces that several pages are made of.

import { type ReactNode, useMemo } from "react";
import { Refused, Unreachable } from "./client.ts";
import { hashOf, PAGES, placeOfPage } from "./places.ts";
import { remedyOf } from "./remedies.ts";
import { segmentsOf } from "./segments.ts";
import { ago, stateWords, toneOf } from "./words.ts";

/** Text of anybody, drawn so that every character can be seen. */
export function Visible({ text }: { readonly text: string }): ReactNode {
  const segments = useMemo(() => segmentsOf(text), [text]);
  return segments.map(({ kind, text: piece }, index) => {
    // Pieces of one text never move.
    const key = `${index}`;
    if (kind === "plain") return piece;
    return (
      <mark
        key={key}
        // `unseen` is what only listeners are told (style.css); this is to be seen.
        className={kind === "unseen" ? "named" : kind}
        title={kind === "unseen" ? "a character that is not drawn" : undefined}
      >
        {kind === "unseen" ? `⟨${piece}⟩` : piece}
        {kind === "mixed" ? <small> letters of several scripts</small> : null}
      </mark>
    );
  });
}

export function State({ state }: { readonly state: string }): ReactNode {
  return <span className={`state ${toneOf(state)}`}>{stateWords(state)}</span>;
}

export function Time({ at, now }: { readonly at: string; readonly now: number }): ReactNode {
  return (
    <time dateTime={at} title={at}>
      {ago(at, now)}
    </time>
  );
}

/** What failed, whether anything was changed, and what to do. */
export function Failure({ error }: { readonly error: Error }): ReactNode {
  if (error instanceof Refused) {
    const { title, detail, errors = [], request_id: request } = error.problem;
    return (
      <div className="failure" role="alert">
        <strong>{title}.</strong> {detail} <WhatToDo problem={error.problem} />
        {request === undefined ? null : <small> Request {request}.</small>}
        <Named errors={errors.filter((one) => one.detail !== detail)} />
      </div>
    );
  }
  return (
    <div className="failure" role="alert">
      <strong>
        {error instanceof Unreachable ? "The server does not answer." : "The page could not be shown."}
      </strong>{" "}
      {error instanceof Unreachable
        ? "What is shown may be old; nothing was lost. It is asked again."
        : error.message}
    </div>
  );
}

/** In the words of who sits here, with the page where it is done. */
function WhatToDo({ problem }: { readonly problem: Refused["problem"] }): ReactNode {
  const { words, page } = remedyOf(problem);
  if (page === undefined) return words;
  const name = PAGES.find((one) => one.page === page)?.name;
  return (
    <>
      {words} <a href={hashOf(placeOfPage(page))}>{name}</a>.
    </>
  );
}

/** Places of what was sent, and what is wrong there. */
function Named({ errors }: { readonly errors: NonNullable<Refused["problem"]["errors"]> }): ReactNode {
  if (errors.length === 0) return null;
  return (
    <ul>
      {errors.map(({ pointer, detail }) => (
        <li key={`${pointer} ${detail}`}>
          <code>
            <Visible text={pointer} />
          </code>
          : <Visible text={detail} />
        </li>
      ))}
    </ul>
  );
}

/** A page's heading and what stands under it while nothing is known yet. */
export function Page({
  title,
  aside,
  children,
}: {
  readonly title: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <main id="main" tabIndex={-1}>
      <header className="title">
        <h1>{title}</h1>
        {aside}
      </header>
      {children}
    </main>
  );
}

export const Loading = (): ReactNode => <p className="quiet">Asking the server …</p>;
