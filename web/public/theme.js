// Chooses the theme before anything is painted, so that a dark theatre never sees a white page. A file of its own and
// blocking on purpose: the content security policy allows no inline script, and a module would run after the first paint.
(() => {
  const themes = ["light", "dark", "blackout"];
  const handed = /[#&]theme=(light|dark|blackout)\b/.exec(location.hash);
  let kept = null;
  try {
    if (handed) localStorage.setItem("openprod.theme", handed[1]);
    kept = localStorage.getItem("openprod.theme");
  } catch {
    // A browser that keeps nothing still gets the theme it was handed.
  }
  const chosen = handed ? handed[1] : kept;
  const fallback = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = themes.includes(chosen) ? chosen : fallback;
})();
