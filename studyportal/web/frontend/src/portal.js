import Collapse from "bootstrap/js/dist/collapse";
import Dropdown from "bootstrap/js/dist/dropdown";
import Tab from "bootstrap/js/dist/tab";
import htmx from "htmx.org";
import { equipForms } from "./crf.js";
import { csrfToken } from "./csrf.js";
import { equipUploads } from "./upload.js";

// The Content-Security-Policy forbids inline script and inline style.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0; // pages name participants; none stays in the browser's storage
htmx.config.scrollBehavior = "auto";
window.htmx = htmx;

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") {
    event.detail.headers["X-CSRFToken"] = csrfToken();
  }
});

// A refused form comes back with its errors as 422 and is shown like any answer.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status === 422) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

// The sentences stand in the page, in the reader's language.
document.addEventListener("htmx:sendError", () => announce("noAnswer"));
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  announce(status === 403 || status === 401 ? "signedOut" : "refused", status);
});
document.addEventListener("htmx:afterOnLoad", () => announce(""));

function announce(what, status) {
  const place = document.getElementById("live-message");
  if (!place) return;
  const sentence = place.dataset[what] ?? "";
  place.textContent = what === "refused" ? `${sentence} (${status})` : sentence;
  place.hidden = sentence === "";
}

// A select or checkbox that acts at once, such as the site switch; without script its form keeps a button.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
});

// An act that cannot be taken back asks first, naming what it does.
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// What unfolds in the menu folds again when one goes on elsewhere; without script it folds by its own word.
function foldMenu(besides) {
  document.querySelectorAll(".app-nav__group[open]").forEach((group) => {
    if (!group.contains(besides)) group.open = false;
  });
}
document.addEventListener("click", ({ target }) => foldMenu(target));
document.addEventListener("focusin", ({ target }) => foldMenu(target));
document.addEventListener("keydown", ({ key, target }) => {
  const group = key === "Escape" && target.closest?.(".app-nav__group[open]");
  if (!group) return;
  group.open = false;
  group.querySelector("summary").focus();
});

function equip(root) {
  root.querySelectorAll("[data-hide-with-script]").forEach((element) => {
    element.hidden = true;
  });
  root.querySelectorAll(".problems[tabindex]").forEach((element) => element.focus());
  equipUploads(root);
  equipForms(root);
}

document.addEventListener("DOMContentLoaded", () => equip(document));
document.addEventListener("htmx:load", (event) => equip(event.detail.elt.parentElement ?? document));

window.bootstrap = { Collapse, Dropdown, Tab };
