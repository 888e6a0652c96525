export const controls = [
  {
    point: 14,
    what: 'migrate takes back what a role was granted beside its list',
    file: 'src/storage/database/roles.ts',
    find: 'REVOKE ALL ON ALL TABLES IN SCHEMA holdpoint FROM PUBLIC, ${everyone};\n',
    replace: '',
    test: 'test/activity/migrate.test.ts',
    name: 'takes back what was granted beside its list',
  },
  {
    point: 14,
    what: 'PostgreSQL is told a verifier, never a password',
    file: 'src/storage/database/logins.ts',
    find: "LOGIN PASSWORD '${scramVerifier(passwords[role])}';",
    replace: "LOGIN PASSWORD '${passwords[role]}';",
    test: 'test/activity/migrate.test.ts',
    name: 'prints SQL without passwords that psql runs',
  },
  {
    point: 14,
    what: 'doctor sees rights that a part must not have',
    file: 'src/storage/database/roles.ts',
    find: 'surplus: [...held].filter((right) => !wanted.has(right)),',
    replace: 'surplus: [],',
    test: 'test/activity/doctor-role.test.ts',
    name: 'with one too few or too many, and how that is mended',
  },
];
