// Scenarios of the whole application: what a person does beyond one table. Handed the helpers of browser.mjs.

export const application = (kit) => {
  const { enter, click, text, until, press, shot } = kit;

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
