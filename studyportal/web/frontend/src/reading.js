// The page of a reader: one case after the other without a page load, answers kept as they are given.
import { freshToken } from "./csrf.js";
import { Viewer } from "./viewer/viewer.js";
import { keepOnly, volumeFrom } from "./viewer/volumes.js";

const SAVE_AFTER_MS = 700;
const REPORT_MS = 30000;
const RETRY_MS = 5000;

class Reading {
  constructor(root) {
    this.root = root;
    this.place = root.querySelector("[data-case]");
    this.viewer = new Viewer(root.querySelector("[data-viewer]"));
    window.reading = this; // browser tests ask it
    window.pairViewer = this.viewer;
    this.equip();
  }

  get form() {
    return this.place.querySelector("form");
  }

  // Of the draft that this window's answers are based on.
  get version() {
    return Number(this.form.dataset.version);
  }

  set version(version) {
    this.form.dataset.version = version;
  }

  async begin() {
    this.take();
    const { hangPlane: plane, hangCt: ct, hangPet: pet } = this.form.dataset;
    Object.assign(this.viewer, { plane, preset: { ct, pet }, mm: this.firstPlace() });
    await this.viewer.begin();
    this.viewer.setPlane(plane);
    this.viewer.choose({ ct, pet });
    this.preload();
  }

  // A new form is on the page: what this window had not sent yet comes back into it.
  take() {
    const { code } = this.form.dataset;
    const unsent = sessionStorage.getItem(this.drawer(code));
    if (unsent) {
      this.fill(JSON.parse(unsent));
      this.changed();
    }
    this.unanswered?.focus({ preventScroll: true });
    this.number();
  }

  // Where reading goes on: the first unit without an answer.
  get unanswered() {
    const units = [...this.form.querySelectorAll("[data-unit]")];
    const open = (unit) => !unit.querySelector("input:checked") && !unit.querySelector("input[type=number]")?.value;
    return units.find(open) ?? units[0];
  }

  // The numbers of the form stand on the pictures: of lesions numbered for all readers, and of the reader's own marks.
  number() {
    const places = new Map();
    this.form.querySelectorAll("[data-lesion]").forEach(({ dataset }) => places.set(dataset.lesion, dataset.place));
    this.form.querySelectorAll('input[name^="m."]').forEach(({ name, value }) => places.set(name.slice(2), value));
    const lesions = [...places].map(([number, place]) => ({ number, mm: placeOf(place) }));
    this.viewer.numbers.set(lesions, this.unit?.dataset.lesion);
  }

  firstPlace() {
    const place = this.unanswered?.dataset.place ?? this.form.querySelector("[data-lesion]")?.dataset.place;
    return place ? placeOf(place) : null;
  }

  drawer(code = this.form.dataset.code) {
    return `reading-${code}`;
  }

  async preload() {
    const addresses = (layers) => layers.flatMap(({ quick, volume }) => [quick?.url, volume?.url]).filter(Boolean);
    const next = addresses(this.viewer.following ?? []);
    keepOnly(new Set([...addresses(Object.values(this.viewer.layers)), ...next]));
    for (const url of next) await volumeFrom(url).catch(() => {});
    this.root.dataset.preloaded = String(next.length);
  }

  say(what) {
    this.form.querySelector("[data-kept]").textContent = what ? this.root.dataset[`say${what}`] : "";
  }

  fields() {
    const sent = new FormData(this.form);
    sent.delete("csrfmiddlewaretoken");
    sent.set("version", this.version);
    return sent;
  }

  answers() {
    const found = {};
    for (const [name, value] of new FormData(this.form)) {
      if (/^[qim]\./.test(name)) found[name] = found[name] ? `${found[name]} ${value}` : value;
    }
    return found;
  }

  fill(answers) {
    for (const number of Object.keys(answers).filter((name) => name.startsWith("m."))) {
      if (!this.form.querySelector(`[name="${number}"]`)) this.addMark(Number(number.slice(2)), answers[number]);
    }
    for (const input of this.form.querySelectorAll("input")) {
      if (!/^[qi]\./.test(input.name)) continue;
      const value = answers[input.name] ?? "";
      if (input.type === "number") input.value = value;
      else input.checked = value.split(" ").includes(input.value);
    }
  }

  changed() {
    sessionStorage.setItem(this.drawer(), JSON.stringify(this.answers()));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), SAVE_AFTER_MS);
  }

  // One request at a time: the answer to the last one holds the version that the next one is based on.
  save() {
    this.saving = (this.saving ?? Promise.resolve()).then(() => this.send());
    return this.saving;
  }

  async post(address, body) {
    return fetch(address, { method: "POST", headers: { "X-CSRFToken": freshToken(), Accept: "application/json" }, body });
  }

  async send() {
    const { code, draft } = this.form.dataset;
    const sent = JSON.stringify(this.answers());
    this.say("Keeping");
    try {
      const answer = await this.post(draft, this.fields());
      if (code !== this.form.dataset.code) return;
      if (answer.status === 409) return this.stale(await answer.json());
      if (answer.status === 404) return this.gone();
      if (!answer.ok) throw new Error(String(answer.status));
      this.version = (await answer.json()).version;
      if (sent === JSON.stringify(this.answers())) sessionStorage.removeItem(this.drawer());
      this.say("Kept");
    } catch {
      this.say("Offline");
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), RETRY_MS);
    }
  }

  // Another window was faster: both sets of answers are there, and the reader chooses.
  stale({ detail, version, draft }) {
    this.say("");
    if (version === undefined) return this.lack(detail, []);
    this.theirs = { version, draft };
    this.form.querySelector("[data-other-words]").textContent = detail;
    this.form.querySelector("[data-other-window]").hidden = false;
  }

  // The case was taken out, or its session closed: nothing more is kept of it.
  gone() {
    sessionStorage.removeItem(this.drawer());
    this.say("");
    this.lack(this.root.dataset.sayGone, []);
  }

  settle(mine) {
    this.version = this.theirs.version;
    if (!mine) this.fill(this.theirs.draft);
    this.form.querySelector("[data-other-window]").hidden = true;
    this.unanswered?.focus();
    this.changed();
  }

  lack(words, names) {
    const place = this.form.querySelector("[data-lacking]");
    place.textContent = names.length ? `${this.root.dataset.sayMissing}` : words;
    place.hidden = false;
    this.form.querySelectorAll("[data-unit]").forEach((unit) => {
      const input = unit.querySelector("input");
      unit.toggleAttribute("data-lacks", names.includes(input?.name));
    });
    this.form.querySelector("[data-lacks]")?.focus();
  }

  async submit() {
    if (this.submitting) return;
    this.submitting = true;
    performance.mark("reading-submit"); // for who measures
    try {
      clearTimeout(this.timer);
      await this.saving;
      const asked = this.form.dataset.code;
      const answer = await this.post(this.form.dataset.submit, this.fields());
      if (answer.status === 404) return window.location.assign(this.root.dataset.list);
      const facts = await answer.json();
      if (answer.status === 409) return this.stale(facts);
      if (!answer.ok) return this.lack(facts.detail, facts.fields ?? []);
      sessionStorage.removeItem(this.drawer(asked));
      if (facts.end) window.location.assign(facts.next);
      else await this.open(facts.next);
    } catch {
      this.say("Offline");
    } finally {
      this.submitting = false;
    }
  }

  async open(address) {
    const [answer, asked] = await Promise.all([fetch(address, { headers: { "X-Part": "case" } }), this.viewer.askLayers(`${address}layers/`)]);
    if (!answer.ok || answer.redirected) return window.location.assign(address);
    this.place.innerHTML = await answer.text();
    window.history.replaceState({}, "", address);
    document.title = document.title.replace(/^\S+/, this.form.dataset.code);
    this.take();
    const { layers, hangPlane: plane, hangCt: ct, hangPet: pet } = this.form.dataset;
    await this.viewer.change(layers, { plane, ct, pet, mm: this.firstPlace(), asked });
    this.preload();
  }

  mark() {
    const { mm } = this.viewer;
    if (!mm || !this.form.querySelector("[data-marks]")) return;
    const numbers = [...this.form.querySelectorAll('input[name^="m."]')].map((input) => Number(input.name.slice(2)));
    this.addMark(Math.max(0, ...numbers) + 1, mm.map((part) => part.toFixed(1)).join(","));
    this.reask();
  }

  addMark(number, place) {
    const input = Object.assign(document.createElement("input"), { type: "hidden", name: `m.${number}`, value: place });
    this.form.querySelector("[data-marks]")?.append(input);
  }

  // Questions of lesions follow the marks: the draft is kept, and the form comes back with them.
  async reask() {
    sessionStorage.setItem(this.drawer(), JSON.stringify(this.answers()));
    await this.save();
    const answer = await fetch(window.location.href, { headers: { "X-Part": "case" } });
    if (!answer.ok) return;
    this.place.innerHTML = await answer.text();
    this.take();
  }

  goTo(place) {
    if (place) this.viewer.moveTo(placeOf(place));
  }

  get unit() {
    return document.activeElement?.closest?.("[data-unit]") ?? this.form.querySelector("[data-unit]");
  }

  step(by) {
    const units = [...this.form.querySelectorAll("[data-unit]")];
    this.enter(units[units.indexOf(this.unit) + by] ?? this.form.querySelector(by > 0 ? ".btn-primary" : "[data-unit]"));
  }

  // The unit is the one that keys answer; a number is typed into its field at once.
  enter(unit) {
    (unit?.querySelector("input[type=number]") ?? unit)?.focus();
    this.goTo(unit?.dataset.place);
  }

  answer(value) {
    const sites = this.unit?.querySelectorAll("input[type=checkbox]:not([data-pass])") ?? [];
    if (sites.length) return this.tick(sites[Number(value) - 1]);
    const input = value === "0" ? this.unit?.querySelector("[data-pass]") : this.unit?.querySelector(`input[type=radio][value="${value}"]`);
    if (!input) return false;
    input.checked = value === "0" ? !input.checked : true;
    this.unit.querySelectorAll("input[type=radio]").forEach((radio) => {
      if (value === "0" && input.checked) radio.checked = false;
    });
    if (value !== "0" && this.unit.querySelector("[data-pass]")) this.unit.querySelector("[data-pass]").checked = false;
    this.changed();
    if (input.checked) this.step(1);
    return true;
  }

  tick(site) {
    if (!site) return false;
    site.checked = !site.checked;
    this.changed();
    return true;
  }

  equip() {
    this.place.addEventListener("input", () => this.changed());
    this.place.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.place.addEventListener("click", (event) => this.clicked(event));
    this.place.addEventListener("focusin", () => this.number());
    document.addEventListener("keydown", (event) => this.pressed(event));
    setInterval(() => document.visibilityState === "visible" && this.post(this.form.dataset.time).catch(() => {}), REPORT_MS);
    window.addEventListener("online", () => this.save());
  }

  clicked({ target }) {
    const button = target.closest("button");
    if (!button) return;
    const { goto, unmark, rest } = button.dataset;
    if (goto) {
      this.goTo(goto);
      this.viewer.section.scrollIntoView({ block: "nearest" }); // on a telephone it is out of sight
    } else if ("mark" in button.dataset) this.mark();
    else if (unmark) {
      this.form.querySelector(`input[name="m.${unmark}"]`)?.remove();
      this.reask();
    } else if (rest) {
      this.restIsNo(rest);
    } else if ("keepMine" in button.dataset) this.settle(true);
    else if ("takeTheirs" in button.dataset) this.settle(false);
  }

  restIsNo(question) {
    for (const input of this.form.querySelectorAll(`input[type=radio][value=no][name^="q.${question}."]`)) {
      const unit = input.closest("[data-unit]");
      if (!unit.querySelector("input:checked")) input.checked = true;
    }
    this.changed();
  }

  // By key: the rest of the question that is marked, and on to the next one.
  restByKey() {
    const section = this.unit?.closest("section");
    const rest = section?.querySelector("[data-rest]")?.dataset.rest;
    if (!rest) return;
    this.restIsNo(rest);
    this.enter(section.nextElementSibling?.querySelector("[data-unit]") ?? this.form.querySelector(".btn-primary"));
  }

  pressed(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      return this.submit();
    }
    const typing = event.target.closest("input[type=number], input[type=text], textarea, select, dialog[open]");
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Enter" && !event.target.closest("button")) {
      event.preventDefault();
      return this.step(event.shiftKey ? -1 : 1);
    }
    if (typing) return;
    const words = { y: "yes", n: "no" };
    if (event.key === "x") this.mark();
    else if (event.key === "g") this.goTo(this.unit?.dataset.place);
    else if (event.key === "h") this.viewer.section.toggleAttribute("data-without-numbers");
    else if (event.key === "N") this.restByKey();
    else if (/^[0-9yn]$/.test(event.key) && this.answer(words[event.key] ?? event.key)) event.preventDefault();
  }
}

// "12.5,-40,310" of the form in mm: to the right, front and top.
function placeOf(words) {
  return words.split(",").map(Number);
}

document.addEventListener("DOMContentLoaded", () => {
  const root = document.querySelector("[data-reading]");
  if (root) new Reading(root).begin();
});
