import type { Show } from "../sdk/index.ts";
import type { Say } from "./hooks.ts";

/** Has a table made into a file and fetched by its one-use path. */
export const download = async (show: Show, table: string, say: Say): Promise<void> => {
  const ticket = await show.call("export", { table });
  if (!ticket.ok) {
    say(ticket.error);
    return;
  }
  const link = document.createElement("a");
  link.href = ticket.value.path;
  link.download = "";
  link.click();
};
