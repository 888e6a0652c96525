import { Holdpoint } from '../../../client/index.ts';
import { explainError } from '../../ui/explain-error.ts';
import { CliError, Exit } from '../../ui/exit.ts';
import type { Io } from '../../ui/io.ts';
import type { GlobalOptions } from '../action.ts';
import { findDataDir, readAccess } from '../installation.ts';
import { deleteStaleUsers, fetchAndVerifyProof, forgeOne, letOneExpire, rejectOne, restoreWhenGone } from './scenes.ts';
import { scene, type Tour } from './tour.ts';

export interface DemoOptions extends GlobalOptions {
  readonly auto?: boolean;
}

/** `holdpoint demo`: the tour. Fails at the first check that fails. */
export async function runDemo(io: Io, options: DemoOptions): Promise<void> {
  const tour = openTour(io, options);
  try {
    await requireReady(tour.access.url);
    await restoreWhenGone(tour);
    const reviewId = await deleteStaleUsers(tour);
    await fetchAndVerifyProof(tour, reviewId);
    await rejectOne(tour);
    await letOneExpire(tour);
    await forgeOne(tour);
  } catch (error) {
    if (!io.json) throw error;
    const { exit, ...report } = explainError(error);
    io.data({ verified: false, checks: tour.checks, error: report });
    throw new Exit(exit);
  }
  io.data({ verified: true, checks: tour.checks });
  scene(tour, `Done: ${tour.checks.length} checks passed`);
  const ui = tour.access.temporalUi;
  io.print(`Dashboard: ${tour.access.url}`, ...(typeof ui !== 'string' ? [] : [`Temporal Web UI: ${ui}`]));
}

function openTour(io: Io, options: DemoOptions): Tour {
  const access = readAccess(io, findDataDir(io));
  const agent = access?.agents[0];
  const reviewer = access?.reviewers.find(({ id }) => id === 'ops-1');
  if (access === undefined || agent === undefined || reviewer === undefined) {
    throw new CliError(
      'unavailable',
      'demo_not_running',
      'The demo is not running here.',
      'Run `npm start` in another terminal, without a config file, in the same directory.',
    );
  }
  return {
    io,
    access,
    agent: new Holdpoint({ url: access.url, apiKey: agent.key }),
    reviewer: new Holdpoint({ url: access.url, apiKey: reviewer.token, headers: { 'holdpoint-channel': 'cli' } }),
    auto: options.auto === true,
    checks: [],
  };
}

async function requireReady(url: string): Promise<void> {
  const answer = await fetch(`${url}/readyz`).catch(() => undefined);
  if (answer?.ok === true) return;
  const what = answer === undefined ? `Nothing answers at ${url}.` : `Holdpoint at ${url} is not ready.`;
  throw new CliError(
    'unavailable',
    'demo_not_running',
    what,
    'Run `npm start` in another terminal and wait until it is ready.',
  );
}
