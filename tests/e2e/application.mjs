// Scenarios of the whole application: what a person does beyond one table. Handed the helpers of browser.mjs.

export const application = (kit) => {
  const { enter, openTable, click, text, until, press, shot } = kit;

  /** Opens the palette and types; returns once what was typed for is listed. */
  const find = async (page, words, wanted) => {
    await press(page, "Control+k");
    await page.locator(".palette input[role=combobox]").waitFor();
    await page.keyboard.type(words);
    await page.locator(".palette-item", { hasText: wanted }).first().waitFor();
    await page.waitForTimeout(150);
  };

  return {
    async palette(browser) {
      const page = await enter(browser);
      const found = {};
      await find(page, "peop", "People");
      await press(page, "Enter");
      await page.locator('.nav a[title="contacts.people"][aria-current]').waitFor();
      found.gone = await page.locator("h1").textContent();
      await find(page, "lx 33", "LX 33");
      await shot(page, "palette");
      await press(page, "Enter");
      await page.locator(".panel h2").waitFor();
      found.record = await page.locator(".panel h2").textContent();
      await page.waitForFunction(() => document.activeElement?.getAttribute("role") === "gridcell");
      found.row = await page.evaluate(() => document.activeElement.closest("[role=row]").getAttribute("aria-rowindex"));
      await find(page, "trap", "LX 4");
      found.why = await page.locator(".palette-item small").first().textContent();
      await press(page, "Escape");
      found.closed = await page.locator(".palette").count();
      await find(page, "blackout", "Blackout");
      await press(page, "Enter");
      await page.waitForFunction(() => document.documentElement.dataset.theme === "blackout");
      await press(page, "Control+k");
      await page.locator(".palette-item").first().waitFor();
      await shot(page, "palette-blackout");
      found.blackout = kit.brightness(await page.screenshot());
      await press(page, "Escape");
      await find(page, "add people", "Add to People");
      await press(page, "Enter");
      await page.locator(".g-editor:not([hidden])").waitFor();
      await page.keyboard.type("Ann Teague");
      await press(page, "Enter");
      await page.waitForFunction(() => document.querySelector("[data-count]")?.getAttribute("data-count") === "4");
      await press(page, "Control+k");
      await page.keyboard.type("qqqq");
      await page.locator(".palette-nothing", { hasText: "Nothing here" }).waitFor();
      found.nothing = await page.locator(".palette-item").count();
      return found;
    },

    async relations(browser) {
      const page = await enter(browser, "contacts.people");
      const found = {};
      const column = "In group";
      await click(page, 1, column);
      await page.keyboard.type("cho");
      await page.locator(".g-offer", { hasText: "Choir" }).waitFor();
      await shot(page, "relation-typing");
      await press(page, "ArrowDown", "Enter");
      found.chosen = await until(page, 1, column, "Choir");
      await click(page, 1, column);
      await press(page, "F2");
      await page.keyboard.type("; crew");
      await press(page, "Enter");
      found.two = await until(page, 1, column, "Choir; Crew");
      await page.locator(".status-undo b", { hasText: "In group: Choir; crew" }).waitFor();
      await click(page, 1, column);
      await press(page, "Control+c");
      await click(page, 2, column);
      await press(page, "Control+v");
      found.pasted = await until(page, 2, column, "Choir; Crew");
      await click(page, 2, column);
      await page.keyboard.type("Crew");
      await press(page, "Enter");
      found.one = await until(page, 2, column, "Crew");
      await click(page, 3, column);
      await page.keyboard.type("Nobodies");
      await press(page, "Enter");
      await page.locator(".voice-fault").waitFor();
      found.refusal = await page.locator(".voice-fault").textContent();
      await click(page, 3, column);
      await press(page, "F2", "Escape");
      await press(page, "Space");
      const add = page.getByLabel("Add to In group");
      await add.focus();
      await page.keyboard.type("cre");
      await page.locator(".menu-item", { hasText: "Crew" }).waitFor();
      await press(page, "Enter");
      await page.locator(".chip.is-end", { hasText: "Crew" }).waitFor();
      found.panel = await until(page, 3, column, "Crew");
      await shot(page, "relation-panel");
      await page.getByLabel("Take Crew away from In group").click();
      found.gone = await until(page, 3, column, "");
      await openTable(page, "contacts.groups");
      found.members = [await until(page, 1, "Members", "Jane Doe"), await until(page, 2, "Members", "Jane Doe; Mina Okafor")];
      await page.locator(".g-head [role=columnheader]", { hasText: "Members" }).click();
      await page.locator(".g-head .is-up", { hasText: "Members" }).waitFor();
      await page.locator(".g-head [role=columnheader]", { hasText: "Members" }).click();
      await page.locator(".g-head .is-down", { hasText: "Members" }).waitFor();
      found.sorted = await page.locator(".fault").count();
      return found;
    },

    async undoing(browser) {
      const page = await enter(browser);
      const found = {};
      const label = () => page.locator(".status-undo b").textContent();
      await click(page, 5, "Label");
      await page.keyboard.type("Noon");
      await press(page, "Enter");
      await until(page, 5, "Label", "Noon");
      await page.locator(".status-undo b", { hasText: "Noon" }).waitFor();
      found.label = await label();
      await shot(page, "undo");
      const before = await text(page, 4, "Label");
      await press(page, "Control+z");
      found.undone = (await until(page, 5, "Label", "Trap glow")) && (await text(page, 4, "Label")) === before;
      await press(page, "Control+Shift+Z");
      found.redone = await until(page, 5, "Label", "Noon");
      await press(page, "F2");
      await page.keyboard.type("abc");
      await press(page, "Control+z");
      found.inEditor = await page.locator(".g-editor").isVisible();
      await press(page, "Escape");
      return found;
    },

    async refusing(browser) {
      const page = await enter(browser);
      await page.locator(".status-undo").waitFor();
      const before = await page.locator(".status-undo b").textContent();
      await click(page, 7, "Label");
      await press(page, "Control+z");
      await page.locator(".undo-refusal").waitFor();
      const sentence = await page.locator(".undo-refusal").textContent();
      await shot(page, "undo-refused");
      await page.waitForFunction((one) => document.querySelector(".status-undo b")?.textContent !== one, before);
      return { before, sentence, next: await page.locator(".status-undo b").textContent() };
    },
  };
};
