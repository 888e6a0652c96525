import { useMemo, useRef, useState } from 'react';
import { useQueries } from '@tanstack/react-query';
import { Button } from 'react-aria-components';
import type { DecisionResult } from '../../client/reviews.ts';
import type { ReviewRow } from '../../contract/review.ts';
import { hasEnded } from '../../domain/lifecycle.ts';
import { showReview } from '../../domain/show/show-review.ts';
import { notify } from '../app/notices.tsx';
import { client } from '../data/client.ts';
import { serverNow, useNow } from '../data/clock.ts';
import { useConnection } from '../data/connection.ts';
import { reviewQuery, toolQuery } from '../data/queries.ts';
import { choicesFor } from '../decide/choices.ts';
import { forgetTyped, useKept, type KeptPlace } from '../decide/kept.ts';
import { CommentArea, commentOf, Panel } from '../decide/panels.tsx';
import { useSending, type Sending } from '../decide/use-decide.ts';
import { foot, SeenProvider, useSeen } from '../review/seen.tsx';
import { useSession } from '../session/session.ts';
import { refusalText } from '../ui/refusal.ts';
import { Failure, Loading } from '../ui/states.tsx';
import { words } from '../words.ts';
import { compareEntries, listEntries } from './compare.ts';
import { GroupTable, type Member } from './group-table.tsx';

/** Most decisions that one request takes. */
const BATCH = 100;

type Decisions = Parameters<typeof client.reviews.decideMany>[0];

async function decideAll(decisions: Decisions): Promise<DecisionResult[]> {
  const results: DecisionResult[] = [];
  for (let at = 0; at < decisions.length; at += BATCH) {
    results.push(...(await client.reviews.decideMany(decisions.slice(at, at + BATCH))));
  }
  return results;
}

interface GroupProps {
  readonly rows: readonly ReviewRow[];
  /** These are all: no page of the list is left to read. */
  readonly isListed: boolean;
  readonly name: string;
}

/** Similar calls beside each other: some are selected, and decided in one request with the digest of each. */
export function GroupForm({ rows, isListed, name }: GroupProps) {
  const { members, isPending, error, retry } = useMembers(useInOrderOfArrival(rows), isListed);
  if (isPending) return <Loading what={words.group.loading} />;
  if (error !== null) return <Failure what={words.group.failed} error={error} retry={retry} />;
  return (
    <SeenProvider>
      <Deciding members={members} name={name} />
    </SeenProvider>
  );
}

/** What comes later stands below, so that nothing moves under a finger. */
function useInOrderOfArrival(rows: readonly ReviewRow[]): readonly ReviewRow[] {
  const [places] = useState(() => new Map<string, number>());
  for (const { reviewId } of rows) if (!places.has(reviewId)) places.set(reviewId, places.size);
  return rows.toSorted((a, b) => (places.get(a.reviewId) ?? 0) - (places.get(b.reviewId) ?? 0));
}

function useMembers(rows: readonly ReviewRow[], isListed: boolean) {
  const session = useSession();
  const now = useNow();
  const reviews = useQueries({ queries: rows.map(({ reviewId }) => reviewQuery(reviewId)) });
  const names = [...new Set(rows.filter(({ kind }) => kind === 'call').map(({ tool }) => tool))];
  const tools = useQueries({ queries: names.map((tool) => toolQuery(tool)) });
  const read = reviews.flatMap(({ data }) => data ?? []);
  const listed = useMemo(
    () =>
      read.map((review) => {
        const tool = tools[names.indexOf(review.call.tool)]?.data;
        return listEntries(showReview(review, { now: serverNow(), tool, pinned: null }).sections);
      }),
    // Both are other objects at each drawing, of the same data.
    [...read, ...tools.map(({ data }) => data), read.length],
  );
  const members = read.flatMap((review, index): Member[] => {
    const row = rows.find(({ reviewId }) => reviewId === review.reviewId);
    const { entries, isWhole } = listed[index] ?? { entries: [], isWhole: false };
    if (row === undefined) return [];
    // A group decides what still waits; an approved call is stopped on its own page.
    const types = hasEnded(review.status) ? [] : choicesFor(review, session, now).types;
    const mayApprove = types.includes('approve');
    const canApprove = mayApprove && isWhole && review.class !== 'irreversible' && review.class !== 'forbidden';
    return [
      { row, review, entries, canReject: types.includes('reject'), canApprove, isAlone: mayApprove && !canApprove },
    ];
  });
  const failed = reviews.find((query) => query.isError && query.data === undefined);
  // What some of them have in common is not what all have: nothing is shown of a group until all of it was read. One that
  // joins the group later takes its place when it was read.
  const [wasRead, setWasRead] = useState(false);
  const isRead = wasRead || (isListed && reviews.every(({ data }) => data !== undefined));
  if (isRead && !wasRead) setWasRead(true);
  return {
    members,
    isPending: !isRead && failed === undefined,
    error: failed?.error ?? null,
    retry: () => void Promise.all(reviews.filter(({ isError }) => isError).map((query) => query.refetch())),
  };
}

function Deciding({ members, name }: { readonly members: readonly Member[]; readonly name: string }) {
  const now = useNow();
  const { reviewer } = useSession();
  const offline = useConnection() === 'offline';
  const { left, showNext } = useSeen();
  /** Selected reviews, each with the digest that was shown when it was selected. */
  const [selected, setSelected] = useState<ReadonlyMap<string, string>>(new Map());
  const [begun, setBegun] = useState<'approve' | 'reject'>();
  const [results, setResults] = useState<ReadonlyMap<string, DecisionResult>>(new Map());
  const comparison = useMemo(() => compareEntries(members.map(({ entries }) => entries)), [members]);
  const place: KeptPlace = { reviewer: reviewer.id, reviewId: `group ${name}`, digest: null };
  const close = (): void => {
    forgetTyped(place);
    setBegun(undefined);
  };
  const sending = useSending(decideAll, [['reviews'], ['review']], {
    success: (sent) => {
      const refused = sent.filter(({ httpStatus }) => httpStatus >= 300).length;
      if (refused === 0) notify('good', words.group.decided(sent.length));
      else notify('bad', words.group.refused(refused, sent.length));
      setResults(new Map([...results, ...sent.map((result) => [result.reviewId, result] as const)]));
      setSelected(new Map());
      close();
    },
    error: () => {
      notify('bad', refusalText('connection_failed'));
      setBegun(undefined);
    },
  });
  const select = (some: readonly Member[], isSelected: boolean): void => {
    const next = new Map(selected);
    for (const { row, review } of some) {
      if (isSelected && review.call.digest !== null) next.set(row.reviewId, review.call.digest);
      else next.delete(row.reviewId);
    }
    setSelected(next);
  };
  // A version that came since was not selected, and what can no longer be decided is not either.
  const chosen = members.filter(
    ({ row, review, canReject, canApprove }) =>
      (canReject || canApprove) && review.call.digest !== null && selected.get(row.reviewId) === review.call.digest,
  );
  const rejectable = chosen.length > 0 && chosen.every(({ canReject }) => canReject);
  const approvable = chosen.length > 0 && chosen.every(({ canApprove }) => canApprove);
  const begin = (type: 'approve' | 'reject'): void => {
    if (type === 'approve' && left > 0) showNext();
    else setBegun(type);
  };
  return (
    <>
      <div className="group">
        <p className="quiet">{words.group.about}</p>
        <GroupTable
          {...{ members, comparison, results, now }}
          selected={new Set(chosen.map(({ row }) => row.reviewId))}
          onSelect={select}
        />
      </div>
      {begun === undefined || chosen.length === 0 || (begun === 'approve' ? !approvable : !rejectable) ? (
        <div ref={foot} className="decide group-foot" role="region" aria-label={words.group.decision}>
          {offline && <p className="decide-why">{words.decide.offline}</p>}
          {chosen.length > 0 && !approvable && <p className="quiet">{words.group.someAlone}</p>}
          <div className="decide-row">
            <span className="quiet">{words.group.selected(chosen.length)}</span>
            <Button
              className="button button-main"
              isDisabled={offline || !approvable || sending.isPending}
              onPress={() => begin('approve')}
            >
              {left > 0 && approvable ? words.group.seeFirst : words.group.approve(chosen.length)}
            </Button>
            <Button
              className="button button-bad"
              isDisabled={offline || !rejectable || sending.isPending}
              onPress={() => begin('reject')}
            >
              {words.group.reject(chosen.length)}
            </Button>
          </div>
        </div>
      ) : (
        <DecidePanel key={begun} type={begun} {...{ chosen, place, sending }} onClose={close} />
      )}
    </>
  );
}

interface PanelProps {
  readonly type: 'approve' | 'reject';
  readonly chosen: readonly Member[];
  readonly place: KeptPlace;
  readonly sending: Sending<Decisions>;
  readonly onClose: () => void;
}

/** The last step before several decisions. */
function DecidePanel({ type, chosen, place, sending, onClose }: PanelProps) {
  const [comment, setComment] = useKept(place, `${type} comment`, '');
  const [tried, setTried] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const missing = type === 'reject' && comment.trim() === '';
  const send = (): void => {
    setTried(true);
    if (missing) return;
    sending.send(
      chosen.flatMap(({ row, review }) =>
        review.call.digest === null
          ? []
          : [{ reviewId: row.reviewId, type, digest: review.call.digest, ...commentOf(comment) }],
      ),
    );
  };
  const title = type === 'approve' ? words.group.approve(chosen.length) : words.group.reject(chosen.length);
  return (
    <Panel
      title={title}
      submit={words.group.send(title)}
      submitRef={button}
      style={type === 'approve' ? 'button-main' : 'button-bad'}
      className="group-foot"
      isPending={sending.isPending}
      onClose={onClose}
      onSubmit={send}
    >
      <CommentArea
        label={type === 'reject' ? words.group.why : words.panels.comment}
        presets={type === 'reject' ? 'reject' : undefined}
        value={comment}
        onChange={setComment}
        isMissing={tried && missing}
        autoFocus={type === 'reject'}
      />
    </Panel>
  );
}
