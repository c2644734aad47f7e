// Case report forms: questions that depend on others, keys, and two people who change the same answer.

const inputOf = (key) => document.querySelector(`[name="now:${CSS.escape(key)}"]`);
const wasOf = (key) => document.querySelector(`[name="was:${CSS.escape(key)}"]`);

function valueOf(key) {
  const all = [...document.querySelectorAll(`[name="now:${CSS.escape(key)}"]`)];
  const chosen = all.find((input) => input.type === "radio" && input.checked);
  if (chosen) return chosen.value;
  return all.length && all[0].type !== "radio" ? all[0].value : "";
}

// A question that is not asked is hidden and not sent; what was typed into it comes back when it is asked again.
function showAsked(form) {
  form.querySelectorAll("[data-asked-if]").forEach((place) => {
    const [key, among] = place.dataset.askedIf.split("=");
    if (!inputOf(key)) return; // shown to be read, not filled in
    const parent = inputOf(key).closest("[data-asked-if]");
    const asked = among.split(",").includes(valueOf(key)) && !(parent && parent.hidden);
    place.hidden = !asked;
    place.querySelectorAll("input, select, textarea").forEach((input) => {
      input.disabled = !asked;
    });
  });
}

function setValue(key, value) {
  document.querySelectorAll(`[name="now:${CSS.escape(key)}"]`).forEach((input) => {
    if (input.type === "radio") input.checked = input.value === value;
    else input.value = value;
  });
  const word = document.querySelector(`[name="absent:${CSS.escape(key)}"]`);
  if (word) {
    word.value = [...word.options].some((option) => option.value === value) ? value : "";
    if (word.value) setBox(key, "");
  }
}

function setBox(key, text) {
  const box = inputOf(key);
  if (box && box.type !== "radio") box.value = text;
}

// Either a value or a word instead of it.
function onlyOne(input) {
  if (!input.name) return;
  const [kind, ...rest] = input.name.split(":");
  const key = rest.join(":");
  if (kind === "absent" && input.value) setBox(key, "");
  const word = document.querySelector(`[name="absent:${CSS.escape(key)}"]`);
  if (kind === "now" && word && input.value) word.value = "";
}

function unsaved(form) {
  return [...form.querySelectorAll('[name^="was:"]')].some((was) => {
    if (was.disabled) return false;
    const key = was.name.slice(4);
    const word = document.querySelector(`[name="absent:${CSS.escape(key)}"]`)?.value;
    return (word || valueOf(key)).trim() !== was.value;
  });
}

function nextField(from) {
  const all = [...from.form.querySelectorAll("[data-crf-field] :is(input, select, textarea)")].filter(
    (input) => input.type !== "hidden" && !input.disabled && input.offsetParent && !input.name.startsWith("absent:"),
  );
  const own = all.filter((input) => input.name === from.name).pop() ?? from;
  return all[all.indexOf(own) + 1];
}

function onKey(event) {
  const { target } = event;
  if (event.key !== "Enter" || target.tagName === "TEXTAREA" || target.type === "submit") return;
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) {
    target.blur();
    document.querySelector("[data-crf-complete]")?.click();
    return;
  }
  const following = nextField(target);
  if (following) following.focus();
  else target.blur();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-crf-mine], [data-crf-theirs], [data-crf-void], [data-close-dialog]");
  if (!button) return;
  if (button.dataset.crfVoid !== undefined) {
    const dialog = document.getElementById("crf-void");
    dialog.querySelector("[name=unit]").value = button.dataset.crfVoid;
    dialog.showModal();
  } else if (button.dataset.closeDialog !== undefined) {
    button.closest("dialog").close();
  } else {
    settle(button);
  }
});

// The person has seen what the other one entered, and decides.
function settle(button) {
  const key = button.dataset.crfMine ?? button.dataset.crfTheirs;
  wasOf(key).value = button.dataset.value;
  if (button.dataset.crfTheirs !== undefined) setValue(key, button.dataset.value);
  const place = inputOf(key).closest("[data-crf-field]");
  button.closest(".crf-say__conflict").remove();
  window.htmx.trigger(place, "change");
}

export function equipForms(root) {
  root.querySelectorAll("form[data-crf]:not([data-ready])").forEach((form) => {
    form.dataset.ready = "";
    showAsked(form);
    form.addEventListener("keydown", onKey);
    form.addEventListener("change", (event) => {
      onlyOne(event.target);
      showAsked(form);
    }, true);
    let leaving = false;
    form.addEventListener("submit", () => { leaving = true; });
    if (form.querySelector('[name^="was:"]')) {
      window.addEventListener("beforeunload", (event) => {
        if (!leaving && unsaved(form)) event.preventDefault();
      });
    }
  });
}
