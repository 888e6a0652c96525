import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { dataConverter } from './data-converter.ts';

/** Made by the build, beside the compiled code. */
const BUNDLE = fileURLToPath(new URL('../../workflow-bundle.js', import.meta.url));
const SOURCE = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

let bundling: Promise<WorkflowBundleOption> | undefined;

/** The workflow code: the build's bundle, or, run from the sources as tests do, one made now, once. */
export async function loadWorkflowCode(): Promise<WorkflowBundleOption> {
  if (existsSync(BUNDLE)) return { codePath: BUNDLE };
  bundling ??= bundleWorkflowCode({
    workflowsPath: SOURCE,
    payloadConverterPath: dataConverter.payloadConverterPath as string,
    logger: new DefaultLogger('WARN'),
  });
  return bundling;
}
