import { Menu } from "@base-ui/react/menu";
import { Fragment } from "react";

/** An entry of a menu: a verb with its key, or more entries behind it. */
export type Entry =
  | { readonly label: string; readonly key?: string; readonly isOff?: boolean; readonly run: () => void }
  | { readonly label: string; readonly entries: readonly Entry[] };

interface PointMenuProps {
  /** Where on screen the menu opens; null while it is closed. */
  readonly at: { readonly x: number; readonly y: number } | null;
  readonly label: string;
  readonly groups: readonly { readonly title: string; readonly entries: readonly Entry[] }[];
  readonly close: () => void;
}

/** A menu at a place on screen; the one place that knows which library makes it. */
export const PointMenu = ({ at, label, groups, close }: PointMenuProps) => (
  <Menu.Root open={at !== null} onOpenChange={(isOpen) => !isOpen && close()}>
    <Menu.Portal>
      <Menu.Positioner
        className="menu-place"
        align="start"
        sideOffset={2}
        anchor={{ getBoundingClientRect: () => new DOMRect(at?.x ?? 0, at?.y ?? 0, 0, 0) }}
      >
        <Menu.Popup className="menu" aria-label={label}>
          {groups
            .filter((group) => group.entries.length > 0)
            .map((group, index) => (
              <Fragment key={group.title}>
                {index > 0 && <Menu.Separator className="menu-line" />}
                <Menu.Group>
                  {group.title !== "" && (
                    <Menu.GroupLabel className="menu-title">{group.title}</Menu.GroupLabel>
                  )}
                  {group.entries.map((entry) => (
                    <Item key={entry.label} entry={entry} />
                  ))}
                </Menu.Group>
              </Fragment>
            ))}
        </Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  </Menu.Root>
);

const Item = ({ entry }: { readonly entry: Entry }) =>
  "run" in entry ? (
    <Menu.Item className="menu-item is-verb" disabled={entry.isOff === true} onClick={entry.run}>
      <span>{entry.label}</span>
      {entry.key !== undefined && <kbd>{entry.key}</kbd>}
    </Menu.Item>
  ) : (
    <Menu.SubmenuRoot>
      <Menu.SubmenuTrigger className="menu-item is-verb">
        <span>{entry.label}</span>
        <span aria-hidden="true">›</span>
      </Menu.SubmenuTrigger>
      <Menu.Portal>
        <Menu.Positioner className="menu-place" sideOffset={2}>
          <Menu.Popup className="menu">
            {entry.entries.map((one) => (
              <Item key={one.label} entry={one} />
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.SubmenuRoot>
  );
