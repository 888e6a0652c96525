import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Menu, MenuItem, MenuSection, MenuTrigger, Header, Popover, Separator } from 'react-aria-components';
import { sessionQuery, signOut, signOutEverywhere, type Session } from '../session/session.ts';
import { openHelp } from './help.tsx';
import { keepSingleKeys, keepTheme, readTheme, useSingleKeys, type Theme } from './preferences.ts';
import { notify } from './notices.tsx';

const THEMES: readonly { readonly id: Theme; readonly label: string }[] = [
  { id: 'auto', label: 'Match system' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
];

export function AccountMenu({ session }: { readonly session: Session }) {
  const queries = useQueryClient();
  const [theme, setTheme] = useState(readTheme);
  const singleKeys = useSingleKeys();
  const leave = async (end: () => Promise<void>): Promise<void> => {
    try {
      await end();
    } catch {
      notify('bad', 'Holdpoint could not be reached: you are still signed in.');
      return;
    }
    queries.setQueryData(sessionQuery.queryKey, null);
    // Data of this session must not be shown to the next user.
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
  };
  return (
    <MenuTrigger>
      <Button className="account" aria-label={`Account of ${session.reviewer.id}`}>
        {session.reviewer.id}
      </Button>
      <Popover className="popover" placement="bottom end">
        <Menu className="menu">
          <MenuSection
            selectionMode="single"
            selectedKeys={[theme]}
            onSelectionChange={(keys) => {
              const next = THEMES.find(({ id }) => keys === 'all' || keys.has(id))?.id;
              if (next === undefined) return;
              keepTheme(next);
              setTheme(next);
            }}
          >
            <Header>Appearance</Header>
            {THEMES.map(({ id, label }) => (
              <MenuItem key={id} id={id} className="menu-item">
                {label}
              </MenuItem>
            ))}
          </MenuSection>
          <Separator />
          <MenuSection
            selectionMode="multiple"
            selectedKeys={singleKeys ? ['single-keys'] : []}
            onSelectionChange={(keys) => keepSingleKeys(keys === 'all' || keys.has('single-keys'))}
          >
            <Header>Keyboard</Header>
            <MenuItem id="single-keys" className="menu-item">
              Single-key shortcuts
            </MenuItem>
          </MenuSection>
          <MenuItem className="menu-item" onAction={openHelp}>
            Keyboard shortcuts
          </MenuItem>
          <MenuItem className="menu-item" onAction={() => void leave(signOut)}>
            Sign out
          </MenuItem>
          <MenuItem className="menu-item" onAction={() => void leave(signOutEverywhere)}>
            Sign out everywhere
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
