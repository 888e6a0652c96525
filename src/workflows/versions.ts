import type { Version } from '../activities/api.ts';
import type { Prepared } from '../domain/gate/decide.ts';
import { specOf } from '../domain/gate/state.ts';
import type { RevisionRecord } from '../domain/gate/view.ts';
import { gatherEvidence } from './evidence.ts';
import { gate as activities } from './local.ts';
import type { Session } from './session.ts';

/** A version that is complete: classified, rendered, with its evidence and digest. Undefined: not a valid call. */
export interface Complete {
  readonly version: Version;
  readonly digest: string;
  readonly previewError: RevisionRecord['previewError'];
}

/** Other arguments of the same tool, up to their digest. `change` is the signed envelope that brought them. */
export async function prepare(
  session: Session,
  args: Version['material']['arguments'],
  change: Parameters<typeof gatherEvidence>[2],
): Promise<Complete | undefined> {
  const prepared = await activities.prepareRevision({
    previous: session.current.material,
    attested: session.attested,
    arguments: args,
    at: Date.now(),
    startedAt: session.startedAt,
    question: session.record.base.kind === 'in-flow',
  });
  if (!prepared.ok) return undefined;
  const { version } = prepared;
  if (!version.wantsPreview)
    return version.digest === null ? undefined : { version, digest: version.digest, previewError: null };
  const found = await gatherEvidence(session, version, change);
  return {
    version: { ...version, material: found.material, digest: found.digest },
    digest: found.digest,
    previewError: found.previewError,
  };
}

/** `editor`: the reviewer whose edit it is, if it is one. */
export function preparedOf(session: Session, complete: Complete | undefined, editor?: string): Prepared {
  if (complete === undefined) return { ok: false };
  const { material } = complete.version;
  const before = session.current.material.evidence;
  return {
    ok: true,
    spec: specOf(material, complete.digest, session.allowed, editor),
    evidenceChanged: factsOf(material.evidence) !== factsOf(before),
  };
}

/** Evidence is the same where it says the same; when it was gathered does not matter. */
function factsOf(evidence: Version['material']['evidence']): string {
  return JSON.stringify(evidence === null ? null : [evidence.sourceHash, evidence.facts]);
}
