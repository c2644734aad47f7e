// Loaded in the head, before the first paint: light or dark as the system asks or as the person chose.
const KEY = "studyportal-theme";
const root = document.documentElement;
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function chosen() {
  try {
    return window.localStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

function apply() {
  root.dataset.bsTheme = chosen() ?? (dark.matches ? "dark" : "light");
}

apply();
dark.addEventListener("change", apply);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-theme-toggle]");
  if (!button) return;
  const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
  try {
    window.localStorage.setItem(KEY, next);
  } catch {
    // then the choice lasts for this page only
  }
  root.dataset.bsTheme = next;
  button.setAttribute("aria-pressed", String(next === "dark"));
});
