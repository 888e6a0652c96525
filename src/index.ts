/** Package `holdpoint`: the client and the types of its contract. Workflows: `holdpoint/workflow`. */
export * from './client/index.ts';
