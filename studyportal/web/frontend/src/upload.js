// The upload page: takes a folder or a zip, shows what its worker does, and lets a person pause, go on or stop.
import { freshToken } from "./csrf.js";

export function equipUploads(root) {
  root.querySelectorAll("form[data-upload]").forEach((form) => {
    if (form.dataset.uploadReady) return;
    form.dataset.uploadReady = "yes";
    new Uploader(form);
  });
}

class Uploader {
  constructor(form) {
    this.form = form;
    this.words = JSON.parse(document.getElementById("upload-words").textContent);
    this.zone = form.querySelector(".dropzone");
    this.phase = "choosing";
    this.worker = null;
    this.equip();
  }

  $(name) {
    return this.form.querySelector(`[data-upload-${name}]`);
  }

  equip() {
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.querySelectorAll("input[type=file]").forEach((input) => {
      input.addEventListener("change", () => this.start(fromInput(input)));
    });
    this.form.querySelectorAll("[data-upload-pick]").forEach((button) => {
      button.addEventListener("click", () => this.form.querySelector(`#${button.dataset.uploadPick}`).click());
    });
    this.zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.zone.classList.add("dropzone--over");
    });
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("dropzone--over"));
    this.zone.addEventListener("drop", (event) => this.drop(event));
    this.$("pause").addEventListener("click", () => this.pauseOrGoOn());
    this.$("again").addEventListener("click", () => this.start(this.chosen, { startOver: true }));
    document.querySelectorAll("[data-upload-stop]").forEach((button) => button.addEventListener("click", () => this.stop()));
    window.addEventListener("beforeunload", (event) => {
      if (this.busy) event.preventDefault();
    });
  }

  get busy() {
    return ["listing", "reading", "sending", "offline", "completing"].includes(this.phase);
  }

  async drop(event) {
    event.preventDefault();
    this.zone.classList.remove("dropzone--over");
    if (this.busy) return;
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    this.show({ phase: "listing" });
    const nested = await Promise.all(entries.map((entry) => filesBelow(entry, "")));
    this.start(nested.flat());
  }

  start(files, { startOver = false } = {}) {
    if (!files?.length) return this.show({ phase: "refused", code: "nothing" });
    this.chosen = files;
    this.worker?.terminate();
    this.worker = new Worker(this.form.dataset.worker);
    this.worker.addEventListener("message", ({ data }) => this.show(data));
    this.worker.addEventListener("error", (event) => this.show({ phase: "refused", code: "said", detail: event.message }));
    const { announceUrl, filesUrl, completeUrl, maxFiles, maxFileBytes } = this.form.dataset;
    this.notes = {};
    this.show({ phase: "listing" });
    this.worker.postMessage({
      act: "start", files, startOver, token: freshToken(),
      urls: { announce: announceUrl, files: filesUrl, complete: completeUrl },
      limits: { files: Number(maxFiles), bytes: Number(maxFileBytes) },
    });
    return undefined;
  }

  pauseOrGoOn() {
    if (this.busy) this.worker.postMessage({ act: "pause" });
    else this.worker.postMessage({ act: "go", token: freshToken() });
  }

  async stop() {
    if (!window.confirm(this.words.ask_stop)) return;
    this.worker?.terminate();
    this.phase = "stopped";
    const answer = await fetch(this.form.dataset.stopUrl, { method: "POST", headers: { "X-CSRFToken": freshToken(), Accept: "application/json" } });
    const found = await answer.json().catch(() => ({}));
    if (answer.ok) window.location.assign(found.page);
    else this.show({ phase: "refused", code: "said", detail: found.detail ?? this.fill("server", { status: answer.status }), again: true });
  }

  // What the worker said last, as a bar, a sentence and the buttons that make sense now.
  show(said) {
    this.phase = said.phase;
    this.form.dataset.phase = said.phase;
    if (said.phase === "done") return window.location.assign(said.page);
    const working = said.phase !== "refused" || said.total > 0;
    this.$("work").hidden = !working;
    this.zone.hidden = this.busy || said.phase === "paused";
    if (this.$("before")) this.$("before").hidden = said.phase !== "refused";
    this.bar(said);
    this.$("message").textContent = this.sentences(said).join(" ");
    this.$("message").className = `note note--${{ refused: "refused", paused: "needs-you", offline: "needs-you" }[said.phase] ?? "running"}`;
    this.$("message").hidden = false;
    this.$("pause").hidden = !(["reading", "sending", "offline", "paused"].includes(said.phase) || said.again || said.code === "said");
    this.$("pause").textContent = this.busy ? this.words.pause : this.words.go_on;
    this.$("again").hidden = !said.other;
    this.form.querySelector(".upload__acts [data-upload-stop]").hidden = !this.busy && said.phase !== "paused";
    return undefined;
  }

  bar({ phase, megabytes = 0, all_megabytes: all = 0 }) {
    const bar = this.$("bar");
    bar.hidden = phase === "refused" && !all;
    if (phase === "listing") bar.removeAttribute("value");
    else if (all) [bar.max, bar.value] = [all, megabytes];
  }

  sentences(said) {
    if (said.phase === "listing") return [this.words.listing];
    if (said.phase === "refused") return [this.refusal(said)];
    if (said.before) this.notes.again = this.fill("again", { arrived: said.before, total: said.total, missing: said.total - said.before });
    if (said.copies) this.notes.copies = this.fill("copies", said);
    const notes = ["sending", "paused", "offline"].includes(said.phase) ? Object.values(this.notes) : [];
    return [this.fill(said.phase, said), this.speed(said), ...notes].filter(Boolean);
  }

  refusal({ code, detail, why, entry, ...more }) {
    if (code === "said") return detail;
    return this.fill(code, { ...more, why: why && this.fill(why, { entry }) });
  }

  // The mean since the bytes began to flow, which jumps less than what the last second brought.
  speed({ phase, megabytes, all_megabytes: all }) {
    if (phase !== "sending") {
      this.since = null;
      return "";
    }
    this.since ??= { at: performance.now(), megabytes };
    const seconds = (performance.now() - this.since.at) / 1000;
    const rate = (megabytes - this.since.megabytes) / seconds;
    if (!(seconds > 1 && rate > 0)) return "";
    const left = (all - megabytes) / rate;
    const n = left < 90 ? Math.ceil(left) : Math.ceil(left / 60);
    return this.fill("speed", { rate, left: this.fill(left < 90 ? "seconds" : "minutes", { n }) });
  }

  fill(name, values) {
    return (this.words[name] ?? name).replace(/\{(\w+)\}/g, (_, key) => {
      const value = values[key];
      return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(1) : (value ?? "");
    });
  }
}

function fromInput(input) {
  return [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

async function filesBelow(entry, above) {
  const path = above ? `${above}/${entry.name}` : entry.name;
  if (entry.isFile) {
    return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  }
  const reader = entry.createReader();
  const found = [];
  // A reader hands out at most a hundred entries at a time.
  for (;;) {
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) break;
    const nested = await Promise.all(batch.map((child) => filesBelow(child, path)));
    found.push(...nested.flat());
  }
  return found;
}
