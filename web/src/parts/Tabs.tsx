import { Tabs as Base } from "@base-ui/react/tabs";
import type { ReactNode } from "react";

export interface Tab<K extends string> {
  readonly value: K;
  readonly label: ReactNode;
}

interface TabsProps<K extends string> {
  readonly label: string;
  readonly value: K;
  readonly tabs: readonly Tab<K>[];
  readonly choose: (value: K) => void;
  readonly children: ReactNode;
  readonly className?: string;
}

/** Tabs of which one is shown, moved through by arrow keys; the one place that knows which library makes them. */
export const Tabs = <K extends string>({ label, value, tabs, choose, children, className }: TabsProps<K>) => (
  <Base.Root
    className={className}
    value={value}
    onValueChange={(chosen: unknown) => {
      const tab = tabs.find((one) => one.value === chosen);
      if (tab !== undefined) choose(tab.value);
    }}
  >
    <Base.List className="pick" aria-label={label} activateOnFocus>
      {tabs.map((tab) => (
        <Base.Tab key={tab.value} value={tab.value} className="pick-one">
          {tab.label}
        </Base.Tab>
      ))}
    </Base.List>
    <Base.Panel value={value} className="pick-panel" tabIndex={-1}>
      {children}
    </Base.Panel>
  </Base.Root>
);
