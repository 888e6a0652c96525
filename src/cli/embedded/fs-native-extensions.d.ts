declare module 'fs-native-extensions' {
  /** Takes an exclusive advisory lock of the open file; false where another open file holds one. */
  export function tryLock(fd: number): boolean;
}
