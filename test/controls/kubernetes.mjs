/** Checks of the Helm chart and of what it needs, taken out one by one: the test named must then fail. */
export const controls = [
  {
    point: 8,
    what: 'a key that its own user lends to a group is not private',
    file: 'src/storage/keys/key-files.ts',
    find: '(mode & (isLent ? 0o037 : 0o077)) === 0',
    replace: '(mode & 0o037) === 0',
    test: 'test/unit/keys-files.test.ts',
    name: 'may be lent by root to the group of the process',
  },
  {
    point: 8,
    what: 'the execute worker’s way out is no other part’s',
    file: 'deploy/helm/holdpoint/templates/network-policies.yaml',
    find: '(index $.Values $spec.values).egress',
    replace: '$.Values.executeWorker.egress',
    test: 'test/activity/helm-chart.test.ts',
    name: 'lets the execute worker alone out to targets',
  },
  {
    point: 9,
    what: 'a review stays with the version that opened it',
    file: 'src/cli/compose/workers.ts',
    find: "defaultVersioningBehavior: 'PINNED'",
    replace: "defaultVersioningBehavior: 'AUTO_UPGRADE'",
    test: 'test/unit/worker-options.test.ts',
    name: 'a gate worker with a version takes the workflows of that version',
  },
];
