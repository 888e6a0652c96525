import { status } from '@grpc/grpc-js';
import { isGrpcServiceError, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { EXECUTE_TASK_QUEUE, GATE_TASK_QUEUE, searchAttributeNames } from '../../../workflows/messages.ts';
import type { TemporalIdentity } from '../../../ports/recovery.ts';
import { hasStandaloneActivities } from '../../compose/standalone-activities.ts';
import { DIRECT_GRPC } from '../../compose/proxy.ts';
import { explainUnregistrable, inspectSearchAttributes } from '../../compose/search-attributes.ts';
import type { TemporalConnections } from '../../compose/temporal.ts';
import type { TemporalTarget } from '../../compose/temporal-target.ts';
import { describeIdentity, isSameTemporal, readTemporalIdentity } from '../../compose/temporal-binding.ts';
import { fail, judgeClock, ok, skipped, warn, type Finding } from './checks.ts';

const DAY = 86_400;
/** Reviews may take days, and ended ones should stay readable for longer. */
const RETENTION_DAYS = 7;

/** Reads the Temporal that the database is bound to; undefined if it is not bound yet. */
type ReadBinding = () => Promise<TemporalIdentity | undefined>;

interface TemporalChecks {
  readonly readBinding?: ReadBinding | undefined;
  /** Whether workers should be polling now. */
  readonly expectsWorkers: boolean;
}

/**
 * Temporal: reachable, namespace, retention, search attributes, workers, clock, and, with `readBinding`, whether the
 * database is bound to it. Changes nothing.
 */
export async function checkTemporal(
  target: TemporalTarget,
  now: () => number,
  checks: TemporalChecks,
): Promise<Finding[]> {
  const address = target.connectionOptions.address ?? 'localhost:7233';
  const { Connection } = await import('@temporalio/client');
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...target.connectionOptions, ...DIRECT_GRPC, connectTimeout: '5s' });
  } catch (error) {
    return [explainRefusal(error, address)];
  }
  try {
    return await connection.withDeadline(now() + 10_000, () =>
      inspect(connection, address, target.namespace, now, checks),
    );
  } finally {
    await connection.close();
  }
}

function explainRefusal(error: unknown, address: string): Finding {
  const { code, details } = isGrpcServiceError(error) ? error : { code: undefined, details: '' };
  return code === status.UNAUTHENTICATED || code === status.PERMISSION_DENIED
    ? fail(
        'temporal',
        `${address} refuses these credentials: ${details}`,
        'Correct TEMPORAL_API_KEY, or TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH.',
      )
    : fail('temporal', `cannot be reached at ${address}`, 'Start it, or check TEMPORAL_ADDRESS and TLS.');
}

async function inspect(
  connection: Connection,
  address: string,
  namespace: string,
  now: () => number,
  { readBinding, expectsWorkers }: TemporalChecks,
): Promise<Finding[]> {
  const findings = [await checkNamespace(connection, address, namespace)];
  if (findings.some(({ status }) => status === 'fail')) return findings;
  if (readBinding !== undefined) findings.push(await checkBinding({ connection, namespace }, readBinding));
  findings.push(await checkSearchAttributes(connection, namespace));
  findings.push(await checkStandaloneActivities(connection, namespace));
  const gate = await lastPoll(connection, namespace, GATE_TASK_QUEUE);
  const execute = await lastPoll(connection, namespace, EXECUTE_TASK_QUEUE);
  if (expectsWorkers)
    findings.push(describeWorker('gate worker', gate, 'gate'), describeWorker('execute worker', execute, 'execute'));
  const seen = Math.max(gate ?? 0, execute ?? 0);
  if (seen > 0) findings.push(judgeTemporalClock(seen, now()));
  return findings;
}

/** Whether the database is bound to this Temporal. With another one, no worker starts (`temporal_changed`). */
export async function checkBinding(
  temporal: Pick<TemporalConnections, 'connection' | 'namespace'>,
  readBinding: ReadBinding,
): Promise<Finding> {
  const check = 'temporal binding';
  let bound: TemporalIdentity | undefined;
  try {
    bound = await readBinding();
  } catch {
    return skipped(check, 'cannot be read from the database');
  }
  if (bound === undefined) return ok(check, 'none yet; the first gate worker binds the database to this Temporal');
  const here = await readTemporalIdentity(temporal);
  if (isSameTemporal(bound, here)) return ok(check, 'the database is bound to this Temporal');
  return fail(
    check,
    `the database is bound to ${describeIdentity(bound)}, but namespace ${temporal.namespace} here is ${describeIdentity(here)}`,
    'Check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, or restore the data of the Temporal server. ' +
      '`holdpoint temporal rebind` switches to this one and first lists what would be lost.',
  );
}

/**
 * The only time that Temporal reports is when a worker last polled. A poll lasts up to a minute, and a stopped worker is
 * still listed for a while, so an old time means nothing; a time in the future does.
 */
export function judgeTemporalClock(seen: number, now: number): Finding {
  const finding = judgeClock('temporal clock', Math.max(seen, now), now, 0);
  if (finding.status !== 'ok') return finding;
  return ok('temporal clock', 'not ahead of the local clock; whether it is behind cannot be checked');
}

async function checkNamespace(connection: Connection, address: string, namespace: string): Promise<Finding> {
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace });
    const days = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) / DAY;
    if (days >= RETENTION_DAYS) return ok('temporal', `${address}, namespace ${namespace}, retention ${days} days`);
    return warn(
      'temporal',
      `namespace ${namespace} deletes ended workflows after ${Number(days.toFixed(1))} days`,
      `temporal operator namespace update --namespace ${namespace} --retention 720h`,
    );
  } catch (error) {
    const why = isGrpcServiceError(error) ? error.details : 'no answer';
    return fail(
      'temporal',
      `namespace ${namespace} at ${address} cannot be used: ${why}`,
      'Check TEMPORAL_NAMESPACE and the credentials, or create the namespace.',
    );
  }
}

export async function checkSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  namespace: string,
): Promise<Finding> {
  const check = 'search attributes';
  try {
    const state = await inspectSearchAttributes(connection, namespace);
    const problem = explainUnregistrable(state, namespace);
    if (problem !== undefined) return fail(check, problem.message, `${problem.fix}.`);
    const { missing } = state;
    if (missing.length === 0) return ok(check, 'all registered');
    const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    return fail(
      check,
      `not registered: ${missing.join(', ')}`,
      `temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    );
  } catch {
    return warn(
      check,
      'cannot be listed with these credentials',
      `Make sure that these are registered as Keyword: ${searchAttributeNames().join(', ')}.`,
    );
  }
}

/** Reversible calls need no workflow where the parts run apart; in one process they need none in any case. */
export async function checkStandaloneActivities(
  connection: Pick<Connection, 'workflowService'>,
  namespace: string,
): Promise<Finding> {
  const check = 'standalone activities';
  if (await hasStandaloneActivities(connection, namespace)) return ok(check, 'on: reversible calls take no workflow');
  return warn(
    check,
    'off: where api and execute worker run apart, every reversible call takes a workflow',
    'On a server of your own, set `activity.enableStandalone: true` in its dynamic configuration.',
  );
}

/** When a worker last polled, epoch ms by the server's clock. */
async function lastPoll(connection: Connection, namespace: string, taskQueue: string): Promise<number | undefined> {
  const types = proto.temporal.api.enums.v1.TaskQueueType;
  const taskQueueType = taskQueue === GATE_TASK_QUEUE ? types.TASK_QUEUE_TYPE_WORKFLOW : types.TASK_QUEUE_TYPE_ACTIVITY;
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType,
  });
  const times = (pollers ?? []).map(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) * 1_000);
  return times.length === 0 ? undefined : Math.max(...times);
}

function describeWorker(check: string, poll: number | undefined, role: 'gate' | 'execute'): Finding {
  return poll !== undefined
    ? ok(check, 'polling')
    : fail(
        check,
        'no worker is polling',
        `Start one with \`holdpoint worker --role ${role}\`, or everything with \`npm start\`.`,
      );
}
