/** Holdpoint for TypeScript programs: the client, and the types of everything that crosses the HTTP boundary. */
export * from './client/index.ts';
