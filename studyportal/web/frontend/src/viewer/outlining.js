// Outlining on the reference PET: the server proposes a region, a brush corrects it, the server keeps it.
import { csrfToken } from "../csrf.js";
import { boardOf } from "./boards.js";

export class Outlining {
  constructor(tools, viewer) {
    this.tools = tools;
    this.viewer = viewer;
    this.form = tools.querySelector("form");
    this.board = boardOf(viewer.panel("pet"), viewer);
    this.message = tools.querySelector("[data-outlining-message]");
    this.how = "";
    this.corrected = false;
    this.drawn = false;
    this.equip();
  }

  get size() {
    return Number(this.form.elements.size.value);
  }

  equip() {
    this.tools.addEventListener("toggle", () => this.open(this.tools.open));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.guard(() => this.save());
    });
    const on = (name, act) => this.tools.querySelectorAll(`[data-outlining-${name}]`).forEach((button) => button.addEventListener("click", () => this.guard(() => act(button))));
    on("propose", () => this.propose());
    on("mode", (button) => this.setMode(button.dataset.outliningMode));
    on("undo", () => this.board.undo());
    on("clear", () => this.clear());
    this.form.elements.size.addEventListener("input", () => this.board.setSize(this.size));
    this.form.elements.method.addEventListener("change", () => this.fields());
    this.board.drew = () => {
      this.drawn = true;
      this.corrected = true;
    };
    this.viewer.section.addEventListener("viewer:layers", () => this.list());
    this.fields();
    this.list();
  }

  async open(open) {
    this.viewer.hideSynthetic(open);
    if (open) this.viewer.showTab("pet");
    await this.viewer.panel("pet").open();
    if (open) this.suggestName();
    else this.clear();
    this.setMode("look");
  }

  // One act at a time, and whatever goes wrong is said where the person looks.
  async guard(act) {
    if (this.busy) return;
    this.busy = true;
    this.tools.setAttribute("aria-busy", "true");
    try {
      await act();
    } catch (fault) {
      this.say(fault.message, "refused");
    } finally {
      this.busy = false;
      this.tools.removeAttribute("aria-busy");
    }
  }

  say(sentence, tone = "done") {
    this.message.textContent = sentence;
    this.message.className = `note note--${tone}`;
    this.message.hidden = !sentence;
  }

  fields() {
    this.form.elements.threshold.closest("label").hidden = this.form.elements.method.value !== "fixed";
  }

  setMode(mode) {
    this.mode = mode;
    this.tools.querySelectorAll("[data-outlining-mode]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.outliningMode === mode));
    });
    this.board.setMode(mode, this.size);
  }

  clear() {
    this.board.clear();
    this.how = "";
    this.corrected = false;
    this.drawn = false;
    this.say("");
    this.setMode(this.mode ?? "look");
  }

  async send(url, fields) {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    const answer = await fetch(url, { method: "POST", body, headers: { "X-CSRFToken": csrfToken() } });
    const found = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Error(found.detail ?? this.tools.dataset.sayFailed);
    return found;
  }

  async show(mask) {
    if (!(await this.board.show(mask))) throw new Error(this.tools.dataset.sayFailed);
    this.drawn = true;
    this.setMode(this.mode);
  }

  async propose() {
    const [x, y, z] = this.viewer.mm;
    const { method, threshold, reach } = this.form.elements;
    const found = await this.send(this.tools.dataset.growUrl, {
      x: -x, y: -y, z, method: method.value, threshold: threshold.value, reach: reach.value,
    });
    await this.show(found.mask);
    this.how = found.method;
    this.corrected = false;
    this.say([`${found.volume_ml.toFixed(1)} ml, ${found.voxels} voxels, ≥ SUV ${found.threshold.toFixed(2)}.`, ...found.notes].join(" "), found.notes.length ? "needs-you" : "done");
  }

  async save() {
    if (!this.drawn) throw new Error(this.tools.dataset.sayNothing);
    const brush = this.how ? "corrected with the brush" : "drawn with the brush";
    const words = this.corrected || !this.how ? [this.how, brush].filter(Boolean).join("; ") : this.how;
    const { region, reason } = this.form.elements;
    await this.send(this.tools.dataset.drawUrl, {
      drawing: new File([await this.board.file()], "drawing.nii.gz"),
      region: region.value,
      method: words,
      reason: reason.value,
      based_on: this.viewer.outlines?.id ?? "",
    });
    const kept = region.value;
    this.clear();
    reason.value = "";
    await this.after(this.tools.dataset.sayKept.replace("%s", kept));
  }

  async drop(region) {
    const reason = window.prompt(this.tools.dataset.askReason.replace("%s", region));
    if (reason === null) return;
    await this.send(this.tools.dataset.dropUrl, { region, reason, based_on: this.viewer.outlines?.id ?? "" });
    await this.after(this.tools.dataset.sayDropped.replace("%s", region));
  }

  async correct(region) {
    const answer = await fetch(`${this.tools.dataset.regionUrl}?name=${encodeURIComponent(region)}`);
    if (!answer.ok) throw new Error(this.tools.dataset.sayFailed);
    const { mask, method } = await answer.json();
    await this.show(mask);
    this.how = method || "outlines that were sent";
    this.form.elements.region.value = region;
    this.setMode("brush");
  }

  async after(sentence) {
    await this.viewer.refresh({ ask: true });
    this.suggestName();
    this.say(sentence);
  }

  suggestName() {
    const names = (this.viewer.outlines?.regions ?? []).map(({ region }) => region);
    let number = 1;
    while (names.includes(`lesion:${number}`)) number += 1;
    this.form.elements.region.value = `lesion:${number}`;
  }

  list() {
    const body = this.tools.querySelector("[data-outlining-regions]");
    const rows = (this.viewer.outlines?.regions ?? []).map((entry) => {
      const row = document.createElement("tr");
      const name = document.createElement("th");
      name.scope = "row";
      name.textContent = entry.region;
      const volume = document.createElement("td");
      volume.className = "num";
      volume.textContent = entry.volume_ml === undefined ? `${entry.voxels}` : `${entry.volume_ml.toFixed(1)} ml`;
      const acts = document.createElement("td");
      for (const [word, act] of [[this.tools.dataset.sayCorrect, () => this.correct(entry.region)], [this.tools.dataset.sayDrop, () => this.drop(entry.region)]]) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn btn-sm btn-quiet";
        button.textContent = word;
        button.addEventListener("click", () => this.guard(act));
        acts.append(button, " ");
      }
      row.append(name, volume, acts);
      return row;
    });
    body.replaceChildren(...rows);
    body.closest("table").hidden = rows.length === 0;
  }
}
