import { Popover } from "@base-ui/react/popover";
import type { ReactNode } from "react";

interface DropProps {
  readonly label: ReactNode;
  readonly title: string;
  readonly isOn?: boolean;
  readonly isOpen: boolean;
  readonly setOpen: (isOpen: boolean) => void;
  readonly children: ReactNode;
}

/** A button that drops a small panel; the one place that knows which library makes it. */
export const Drop = ({ label, title, isOn = false, isOpen, setOpen, children }: DropProps) => (
  <Popover.Root open={isOpen} onOpenChange={(is) => setOpen(is)}>
    <Popover.Trigger className={isOn ? "btn on" : "btn"}>{label}</Popover.Trigger>
    <Popover.Portal>
      <Popover.Positioner sideOffset={4} align="start" className="menu-place">
        <Popover.Popup className="menu drop" aria-label={title}>
          {children}
        </Popover.Popup>
      </Popover.Positioner>
    </Popover.Portal>
  </Popover.Root>
);
