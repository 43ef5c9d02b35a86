import { Menu } from "@base-ui/react/menu";
import type { ReactNode } from "react";

export interface Option {
  readonly value: string;
  readonly label: string;
}

interface ChoiceProps {
  readonly label: ReactNode;
  readonly isOn?: boolean;
  readonly value: string;
  readonly options: readonly Option[];
  readonly choose: (value: string) => void;
}

/** A button that opens a menu of which one entry is chosen; the one place that knows which library makes it. */
export const Choice = ({ label, isOn = false, value, options, choose }: ChoiceProps) => (
  <Menu.Root>
    <Menu.Trigger className={isOn ? "btn on" : "btn"}>{label}</Menu.Trigger>
    <Menu.Portal>
      <Menu.Positioner sideOffset={4} align="start" className="menu-place">
        <Menu.Popup className="menu">
          <Menu.RadioGroup
            value={value}
            onValueChange={(chosen: unknown) => typeof chosen === "string" && choose(chosen)}
          >
            {options.map((option) => (
              <Menu.RadioItem key={option.value} value={option.value} className="menu-item" closeOnClick>
                <span className="menu-tick" aria-hidden="true">
                  {option.value === value ? "✓" : ""}
                </span>
                {option.label}
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
        </Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  </Menu.Root>
);
