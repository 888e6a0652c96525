import { patched, sleep, type WorkflowInterceptorsFactory } from '@temporalio/workflow';

/** Workflow code of a later release: each activity has a step before it, which earlier histories do not have. */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity: async (input, next) => {
        if (patched('next-release')) await sleep(1);
        return next(input);
      },
    },
  ],
});
