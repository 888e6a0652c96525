export const controls = [
  {
    point: 2,
    what: 'stopping an approved call from Slack takes what policy asks of decisions there',
    file: 'src/api/slack/decide.ts',
    find: '(!hasEnded(review.status) || stops) && slackDecisionOf',
    replace: '!hasEnded(review.status) && slackDecisionOf',
    test: 'test/api/slack.test.ts',
    name: 'stopping an approved call takes what any decision takes',
  },
  {
    point: 2,
    what: 'Slack offers to stop an approved call that has not been claimed',
    file: 'src/core/slack/message.ts',
    find: "if ((review.status !== 'pending' && !stops) || digest === null)",
    replace: "if (review.status !== 'pending' || digest === null)",
    test: 'test/activity/slack.test.ts',
    name: 'of an approved call offers to stop it',
  },
  {
    point: 2,
    what: 'a withdrawal that is only queued is not told as the state of the review',
    file: 'src/client/reviews.ts',
    find: 'if (answer.status === 200) return { admitted: true',
    replace: 'if (answer.status > 0) return { admitted: true',
    test: 'test/api/client-transport.test.ts',
    name: 'a withdrawal that is only queued',
  },
];
