// Chooses theme and type size before anything is painted, so that a dark theatre never sees a white page. A file of its
// own and blocking on purpose: the content security policy allows no inline script, and a module would run after the
// first paint.
(() => {
  const look = (name, known, fallback) => {
    const handed = new RegExp(`[#&]${name}=(${known.join("|")})\\b`).exec(location.hash);
    let kept = null;
    try {
      if (handed) localStorage.setItem(`openprod.${name}`, handed[1]);
      kept = localStorage.getItem(`openprod.${name}`);
    } catch {
      // A browser that keeps nothing still gets what it was handed.
    }
    const chosen = handed ? handed[1] : kept;
    return known.includes(chosen) ? chosen : fallback;
  };
  const ground = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = look("theme", ["light", "dark", "blackout"], ground);
  document.documentElement.dataset.type = look("size", ["normal", "big", "wall"], "normal");
})();
