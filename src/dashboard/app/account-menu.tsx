import { useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Button, Menu, MenuItem, MenuSection, MenuTrigger, Header, Popover, Separator } from 'react-aria-components';
import { sessionQuery, signOut, type Session } from '../session/session.ts';
import { keepTheme, readTheme, type Theme } from './theme.ts';
import { openHelp } from './help.tsx';

const THEMES: readonly { readonly id: Theme; readonly label: string }[] = [
  { id: 'auto', label: 'As the system' },
  { id: 'light', label: 'Light' },
  { id: 'dark', label: 'Dark' },
];

export function AccountMenu({ session }: { readonly session: Session }) {
  const queries = useQueryClient();
  const [theme, setTheme] = useState(readTheme);
  const leave = async (): Promise<void> => {
    await signOut();
    queries.clear();
    queries.setQueryData(sessionQuery.queryKey, null);
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
          <MenuItem className="menu-item" onAction={openHelp}>
            Keyboard shortcuts
          </MenuItem>
          <MenuItem className="menu-item" onAction={() => void leave()}>
            Sign out
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
