/**
 * Every text of the page that is not shared with mails, Slack and the terminal (those are in `src/domain`), by view, so
 * that it can be read as a whole. Plain, short, sentence case; one term per thing: review, call, decision, agent,
 * reviewer. An error says what happened to the person's action, then what to do. A function where something is named.
 */
export const words = {
  shell: {
    skip: 'Skip to content',
    main: 'Main',
    inbox: 'Inbox',
    audit: 'Audit',
    policy: 'Policy',
    signingIn: 'Signing in',
    noAnswer: 'Holdpoint does not answer',
    noSuchPage: 'Page not found',
    toInbox: 'Go to the inbox',
    tryAgain: 'Try again',
    dismiss: 'Dismiss',
    lost: 'Holdpoint does not answer. What you see may be out of date, and updates as soon as Holdpoint answers.',
    offline: 'You are offline. What you see may be out of date, and you cannot decide until you are back online.',
    withheldGroups:
      'You cannot decide for these groups, because the identity provider did not name them when you signed in. ' +
      'Ask an operator to correct their names there or in the configuration, then sign in again.',
    providerSent: 'the provider sent',
  },
  account: {
    button: (id: string) => `Account of ${id}`,
    panel: 'Account',
    appearance: 'Appearance',
    auto: 'Match system',
    light: 'Light',
    dark: 'Dark',
    singleKeys: 'Single-key shortcuts',
    showKeys: 'Show shortcuts',
    signOut: 'Sign out',
    signOutEverywhere: 'Sign out everywhere',
    stillSignedIn: 'Holdpoint does not answer. You are still signed in; try again.',
  },
  keys: {
    title: 'Keyboard shortcuts',
    list: [
      ['j / k', 'Next or previous review'],
      ['Enter', 'Open the review; send the form'],
      ['a', 'Approve, or show what you have not seen yet'],
      ['e', 'Edit, then approve'],
      ['r', 'Reject, or stop an approved call that has not run'],
      ['c', 'Ask for changes'],
      ['w', 'Answer a question'],
      ['i', 'Go to the inbox'],
      ['/', 'Search'],
      ['Esc', 'Cancel'],
      ['?', 'Show this list'],
    ],
    on: 'Single-key shortcuts are on in this browser.',
    off: 'Single-key shortcuts are off: letters, / and ? do nothing. Enter and Esc still work.',
    turnOff: 'Turn off',
    turnOn: 'Turn on',
    close: 'Close',
  },
} as const;
