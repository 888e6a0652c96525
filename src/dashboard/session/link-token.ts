/** The single-use token of a sign-in link (`/#token=hpl_…`), taken out of the address bar and the history. */
export function takeSignInToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
): string | undefined {
  if (location.hash === '') return undefined;
  const token = /^#(?:token=)?(hpl_[A-Za-z0-9_-]+)$/.exec(location.hash)?.[1];
  if (token !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return token;
}
