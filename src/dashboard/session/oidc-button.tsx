/** Sign-in through an identity provider, where one is configured. */
export function OidcButton() {
  return null;
}
