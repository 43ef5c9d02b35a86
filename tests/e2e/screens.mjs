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

    async staging(browser) {
      const page = await arrive(browser);
      const other = await enter(browser);
      const found = {};
      await press(page, "Control+k");
      await page.keyboard.type("new staged");
      await page.locator(".palette-item", { hasText: "New staged set" }).waitFor();
      await press(page, "Enter");
      await page.waitForFunction(() => document.activeElement?.closest(".start") !== null);
      found.empty = await audited(page, "staging-none");
      await page.keyboard.press("Control+a");
      await page.keyboard.type("Move the tech");
      await press(page, "Enter");
      await page.locator(".set-name", { hasText: "Move the tech" }).waitFor();
      await openTable(page, "lighting.cues");
      await click(page, 5, "Label");
      await page.keyboard.type("Noon");
      await press(page, "Enter");
      await until(page, 5, "Label", "Noon");
      await click(page, 6, "Up");
      await page.keyboard.type("9");
      await press(page, "Enter");
      await until(page, 6, "Up", "9");
      await page.locator(".stagebar-name", { hasText: "2 records staged" }).waitFor();
      found.table = await audited(page, "staging-table");
      found.there = await kit.text(other, 5, "Label");
      await page.reload();
      await page.locator(".stagebar b", { hasText: "Move the tech" }).waitFor();
      found.kept = await until(page, 5, "Label", "Noon");
      await click(page, 7, "Label");
      await press(page, "Escape", "g", "s");
      await page.locator(".staged-line").first().waitFor();
      found.lines = await page.locator(".staged-line").allTextContents();
      found.page = await audited(page, "staging");
      await press(page, "j", "x");
      await page.waitForFunction(() => document.querySelectorAll(".staged-line").length === 1);
      await press(page, "Control+z");
      await page.waitForFunction(() => document.querySelectorAll(".staged-line").length === 2);
      await click(other, 5, "Label");
      await other.keyboard.type("Elsewhere");
      await press(other, "Enter");
      await page.locator(".drift").waitFor();
      found.drift = await page.locator(".drift").textContent();
      found.waits = await page.locator(".acts .btn.staged").textContent();
      found.drifted = await audited(page, "staging-drift");
      await press(page, "Control+Enter", "k", "k", "m");
      await page.locator(".acts .btn.staged", { hasText: "Commit 2" }).waitFor();
      await press(page, "Control+Enter");
      await page.locator(".nothing b").waitFor();
      found.committed = await until(other, 5, "Label", "Noon");
      found.none = await page.locator(".nothing b").textContent();
      return found;
    },

    async stashing(browser) {
      const [page, other] = [await enter(browser), await enter(browser)];
      const found = {};
      const start = async (name) => {
        await page.goto(`${kit.origin}/staging?new=1`);
        await page.locator(".status [role=status]", { hasText: "Saved" }).waitFor();
        await page.locator(".start input").fill(name);
        await press(page, "Enter");
        await page.locator(".set-name", { hasText: name }).waitFor();
      };
      await start("One");
      await openTable(page, "lighting.cues");
      await click(page, 5, "Label");
      await page.keyboard.type("Noon");
      await press(page, "Enter");
      await page.locator(".stagebar-name", { hasText: "1 record staged" }).waitFor();
      await page.getByRole("button", { name: "Leave for now" }).click();
      await page.waitForFunction(() => document.querySelector(".stagebar") === null);
      found.left = await until(page, 5, "Label", "Dawn, slow");
      found.rail = await page.locator('.nav a[href="/staging"]').textContent();
      await other.locator('.nav a[href="/staging"]').click();
      await other.locator(".it-row", { hasText: "One" }).locator(".it").click();
      await other.locator(".set-name").waitFor();
      await openTable(other, "lighting.cues");
      found.recalled = await until(other, 5, "Label", "Noon");
      await page.locator('.nav a[href="/staging"]').click();
      await page.getByRole("button", { name: "Discard One" }).click();
      await other.locator(".voice", { hasText: "was committed or discarded elsewhere" }).waitFor();
      found.lost = await until(other, 5, "Label", "Dawn, slow");
      found.bars = await other.locator(".stagebar").count();
      return found;
    },

    async deciding(browser) {
      const page = await arrive(browser);
      const found = {};
      await press(page, "g", "d");
      await page.locator(".it").nth(2).waitFor();
      found.open = await audited(page, "decide");
      await page.locator(".list-verbs button", { hasText: "Group" }).click();
      await page.locator(".menu-item", { hasText: "By table" }).click();
      await page.locator(".list-group h3").first().waitFor();
      found.groups = await page.locator(".list-group h3").allTextContents();
      await page.locator(".list-verbs button", { hasText: "Settle" }).click();
      await page.locator(".menu-item", { hasText: "Take Alex Kim's (3)" }).click();
      await page.locator(".preview li").nth(2).waitFor();
      found.preview = await page.locator(".preview li").allTextContents();
      found.modal = await audited(page, "decide-many");
      await page.getByRole("button", { name: "Take 3" }).click();
      await page.locator(".work .empty").waitFor();
      await page.getByRole("button", { name: "Decided" }).click();
      await page.locator(".decision").nth(2).waitFor();
      found.decided = await audited(page, "decided");
      await page.locator(".decision", { hasText: "LX 3: Label" }).getByRole("button", { name: "Take Jordan Reed's Sunrise" }).click();
      await page.locator(".decision", { hasText: "Something else stands there by now" }).waitFor();
      await page.getByRole("button", { name: "Waiting" }).click();
      await page.locator(".work .nothing").waitFor();
      found.waiting = await audited(page, "waiting");
      return found;
    },

    async history(browser) {
      const page = await arrive(browser);
      const found = {};
      await openTable(page, "lighting.cues");
      await press(page, "Control+k");
      await page.keyboard.type("history");
      await page.locator(".palette-item", { hasText: "History" }).first().waitFor();
      await press(page, "Enter");
      await page.locator(".entry").nth(2).waitFor();
      await page.getByLabel("Name for this moment").fill("First read");
      await press(page, "Enter");
      await page.locator(".named b", { hasText: "First read" }).waitFor();
      found.timeline = await audited(page, "history");
      found.entries = await page.locator(".entry").allTextContents();
      await page.locator(".filters input").fill("sunrise");
      await page.waitForFunction(() => document.querySelectorAll(".entry").length === 1);
      await page.locator(".filters input").fill("");
      await openTable(page, "lighting.cues");
      await click(page, 5, "Label");
      await page.keyboard.type("Noon");
      await press(page, "Enter");
      await until(page, 5, "Label", "Noon");
      await page.locator('.nav a[href="/history"]').click();
      await page.getByRole("button", { name: "See the show as of then: First read" }).click();
      await page.locator(".stagebar.is-past").waitFor();
      await openTable(page, "lighting.cues");
      found.then = await until(page, 5, "Label", "Dawn, slow");
      found.past = await audited(page, "past");
      await click(page, 5, "Label");
      await page.keyboard.type("x");
      found.readOnly = await page.locator(".g-editor:not([hidden])").count();
      await page.reload();
      await page.locator(".stagebar.is-past").waitFor();
      await page.getByRole("button", { name: "What changed since" }).click();
      await page.locator(".compared").first().waitFor();
      found.lines = await page.locator(".compared > span").allTextContents();
      found.compare = await audited(page, "compare");
      await page.getByRole("button", { name: "Back to now" }).click();
      await page.waitForFunction(() => document.querySelector(".stagebar") === null);
      await page.locator(".compared", { hasText: "Noon" }).getByRole("button").click();
      await page.locator(".stagebar b", { hasText: "Back to First read" }).waitFor();
      await openTable(page, "lighting.cues");
      found.staged = await until(page, 5, "Label", "Dawn, slow");
      await page.locator(".stagebar .btn.staged").click();
      await page.waitForFunction(() => document.querySelector(".stagebar") === null);
      return found;
    },

    async people(browser) {
      const page = await arrive(browser);
      const found = {};
      await page.locator(".set-up summary").click();
      await page.locator('.nav a[href="/people"]').click();
      await page.getByLabel("For whom").fill("Ben");
      await press(page, "Enter");
      await page.locator(".line-once textarea").waitFor();
      found.line = await page.locator(".line-once textarea").inputValue();
      found.warning = await page.locator(".is-warning").textContent();
      await page.getByRole("button", { name: "Verify" }).click();
      await page.locator(".stack [role=status]", { hasText: "Nothing is damaged" }).waitFor();
      found.page = await audited(page, "people");
      found.writers = await page.locator(".named .who b").allTextContents();
      await page.getByRole("button", { name: "Close the invitation Ben" }).click();
      await page.waitForFunction(() => ![...document.querySelectorAll(".named b")].some((one) => one.textContent === "Ben"));
      return found;
    },

    async newcomer(browser) {
      const page = await arrive(browser);
      return { first: await page.locator(".card h2").first().textContent(), broken: await audited(page, "home-first") };
    },
  };
};
