// Scenarios of the screens beside the tables: home, to decide, staging, history. Handed the helpers of browser.mjs.

export const screens = (kit) => {
  const { given, watch, enter, openTable, click, until, press, audited } = kit;

  /** Returns a page that was let in and stands at home. */
  const arrive = async (browser, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    watch(page);
    await page.goto(given.entrances.shift());
    await page.locator(".tiles a").first().waitFor();
    return page;
  };

  return {
    async home(browser) {
      const page = await arrive(browser);
      await page.locator(".since-group").first().waitFor();
      const found = { broken: await audited(page, "home") };
      found.heading = await page.locator("h1").textContent();
      found.since = await page.locator(".card h2").first().textContent();
      found.people = await page.locator(".since-group h3").allTextContents();
      found.entries = await page.locator(".entry").allTextContents();
      found.waits = await page.locator(".wait li").allTextContents();
      await page.getByRole("tab", { name: "By table" }).click();
      await page.locator(".since-group h3", { hasText: "Lighting cues" }).waitFor();
      found.tables = await page.locator(".since-group h3").allTextContents();
      await page.locator(".entry a").first().click();
      await page.locator(".panel h2").waitFor();
      found.record = await page.locator(".panel h2").textContent();
      await press(page, "Escape");
      await page.locator("h1").focus();
      await press(page, "g", "h");
      await page.locator(".home").waitFor();
      await press(page, "g", "d");
      await page.locator(".say h2").waitFor();
      found.decide = await page.locator("h1").textContent();
      await press(page, "g", "h");
      await page.getByRole("button", { name: "I have seen this" }).click();
      await page.locator(".nothing b", { hasText: "Nothing new" }).waitFor();
      await press(page, "Control+=");
      found.type = await page.evaluate(() => document.documentElement.dataset.type);
      await press(page, "Control+-");
      await page.reload();
      await page.locator(".nothing b", { hasText: "Nothing new" }).waitFor();
      found.after = await page.locator(".since-group").count();
      return found;
    },

    async newcomer(browser) {
      const page = await arrive(browser);
      return { first: await page.locator(".card h2").first().textContent(), broken: await audited(page, "home-first") };
    },
  };
};
