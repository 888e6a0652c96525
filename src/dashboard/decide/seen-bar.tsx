import { Button } from 'react-aria-components';
import { useSeen } from '../review/seen.tsx';
import { words } from '../words.ts';

/** Stretches that the bar is divided into, at most: each stays wide enough to be seen on a phone. */
const STRETCHES = 24;

/** How much of what is decided on has been on screen, and where the rest stands; nothing once all of it has. */
export function SeenBar() {
  const { left, total, showNext, stretches } = useSeen();
  if (left === 0) return null;
  const seen = total - left;
  return (
    <div className="seen">
      <p className="seen-words">{words.review.seeAll}</p>
      <div
        className="seen-bar"
        role="progressbar"
        aria-label={words.review.seen}
        aria-valuemin={0}
        aria-valuemax={total}
        aria-valuenow={seen}
        aria-valuetext={words.review.seenOf(seen, total)}
      >
        {stretches(STRETCHES).map((isSeen, index) => (
          <span key={index} className={isSeen ? 'is-seen' : undefined} />
        ))}
      </div>
      <Button className="button button-small" onPress={showNext}>
        {words.review.showNext}
      </Button>
    </div>
  );
}
