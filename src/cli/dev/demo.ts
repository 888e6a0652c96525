import type { SignInLinks } from '../../api/index.ts';
import type { DataDir } from '../embedded/data-dir.ts';
import {
  loadDemoPeople,
  writeDemoAccess,
  writeDemoConfig,
  type DemoAccess,
  type DemoPeople,
} from '../embedded/demo/people.ts';
import { signInUrl } from '../embedded/running.ts';
import { seedDemoTarget } from '../embedded/demo/target.ts';

/** The demo, as far as it is there before the parts start. */
export interface Demo {
  readonly configFile: string;
  readonly people: DemoPeople;
}

/** Writes the demo's config file and fills its target database. */
export async function prepareDemo(dataDir: DataDir): Promise<Demo> {
  const people = loadDemoPeople(dataDir);
  await seedDemoTarget(dataDir.demoDatabase);
  return { configFile: writeDemoConfig(dataDir, people), people };
}

/** Issues a sign-in link per reviewer and writes `access.json`. */
export function publishAccess(
  demo: Demo,
  dataDir: DataDir,
  signIn: SignInLinks,
  at: Pick<DemoAccess, 'url' | 'temporalAddress' | 'temporalUi'>,
): DemoAccess {
  const access: DemoAccess = {
    ...at,
    agents: demo.people.agents,
    reviewers: demo.people.reviewers.map(({ id, groups, token }) => ({
      id,
      groups,
      token,
      signInUrl: signInUrl(at.url, signIn.issue(id)),
    })),
  };
  writeDemoAccess(dataDir, access);
  return access;
}
