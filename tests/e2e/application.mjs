// Scenarios of the whole application: what a person does beyond one table. Handed the helpers of browser.mjs.

export const application = (kit) => {
  const { enter, click, text, until, press, shot } = kit;

  return {
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
