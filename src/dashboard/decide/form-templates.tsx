import type { ComponentProps } from 'react';
import { Button } from 'react-aria-components';
import type { IconButtonProps, TemplatesType } from '@rjsf/utils';

/** The library's own buttons are icons of a font that is not here; these say what they do. */
function buttonWith(label: string): (props: IconButtonProps) => React.JSX.Element {
  return function FormButton({ onClick, disabled }: IconButtonProps) {
    return (
      <Button
        className="button button-small"
        isDisabled={disabled === true}
        onPress={() =>
          onClick?.({ preventDefault: () => undefined } as Parameters<
            NonNullable<ComponentProps<'button'>['onClick']>
          >[0])
        }
      >
        {label}
      </Button>
    );
  };
}

export const FORM_TEMPLATES: Partial<Omit<TemplatesType, 'ButtonTemplates'>> & {
  readonly ButtonTemplates: Partial<TemplatesType['ButtonTemplates']>;
} = {
  ButtonTemplates: {
    AddButton: buttonWith('Add'),
    RemoveButton: buttonWith('Remove'),
    MoveUpButton: buttonWith('Up'),
    MoveDownButton: buttonWith('Down'),
    CopyButton: buttonWith('Copy'),
  },
};
