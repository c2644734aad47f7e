// Loads the layers of a pair, keeps one place and one zoom for all panels, and says what lies under the crosshair.
import { csrfToken } from "../csrf.js";
import { FlatPanel } from "./flat.js";
import { chooseDrawing, chosenDrawing, drawsWithCard } from "./graphics.js";
import { Numbers } from "./numbers.js";
import { PLANES, Panel } from "./panel.js";
import { Projections } from "./projections.js";
import { valueAt, volumeFrom } from "./volumes.js";
import { CT_WINDOWS, PRESETS, petScale, SUV_WINDOWS } from "./windows.js";

const POLL_MS = 2000;
const MOST_VOXELS_UNDER_LABELS = 3e7; // an overlay takes as much of the graphics memory as what lies below it
const PHONE = window.matchMedia("(max-width: 48rem)");

export class Viewer {
  constructor(section) {
    this.section = section;
    this.plane = "axial";
    this.preset = { ct: "mediastinum", pet: "suv7" };
    this.mm = null;
    this.turn = 0;
    this.layers = {};
    this.images = {};
    this.outlines = null;
    this.regions = []; // names behind the numbers of the label map
    this.flat = !drawsWithCard();
    section.dataset.drawing = this.flat ? "flat" : "card";
    const Picture = this.flat ? FlatPanel : Panel;
    this.panels = [...section.querySelectorAll("[data-panel]")].map((figure) => new Picture(figure, this));
    this.numbers = new Numbers(this);
    this.outlining = false;
    this.equip();
  }

  $(name) {
    return this.section.querySelector(`[data-viewer-${name}]`);
  }

  panel(kind) {
    return this.panels.find((panel) => panel.kind === kind);
  }

  get synthetic() {
    const chosen = this.$("synthetic")?.value;
    return this.layers[chosen] ?? Object.values(this.layers).find((layer) => layer.synthetic);
  }

  get overPet() {
    return this.$("overlaid")?.value === "synthetic" && this.synthetic && !this.outlining ? this.synthetic : this.layers.pet;
  }

  async begin() {
    this.section.dataset.state = "loading";
    this.say(this.words("loading"));
    await this.refresh({ ask: true });
  }

  words(name) {
    return this.section.dataset[`say${name[0].toUpperCase()}${name.slice(1)}`] ?? "";
  }

  say(sentence) {
    this.$("message").textContent = sentence;
    this.$("message").hidden = !sentence;
  }

  askLayers(address) {
    return fetch(address, { headers: { Accept: "application/json" } });
  }

  // Asks which volumes there are and shows those not shown yet; asks again while one is being made.
  async refresh({ ask = false, asked = this.askLayers(this.section.dataset.layersUrl) } = {}) {
    const answer = await asked;
    if (!answer.ok) return this.say(this.words("unreachable"));
    const { pending, layers, outlines, next } = await answer.json();
    this.following = next ?? [];
    this.layers = Object.fromEntries(layers.map((layer) => [layer.key, layer]));
    this.outlines = outlines;
    if (pending && ask) {
      await fetch(this.section.dataset.prepareUrl, { method: "POST", headers: { "X-CSRFToken": csrfToken() } });
    }
    this.offerSynthetics();
    await this.load();
    if (pending) {
      if (this.section.dataset.state !== "ready") this.say(this.words("preparing"));
      setTimeout(() => this.refresh(), POLL_MS);
    } else {
      this.section.dataset.complete = "yes";
    }
    this.section.dispatchEvent(new CustomEvent("viewer:layers"));
  }

  offerSynthetics() {
    const select = this.$("synthetic");
    const found = Object.values(this.layers).filter((layer) => layer.synthetic);
    const known = [...select.options].map((option) => option.value);
    for (const layer of found) {
      if (!known.includes(layer.key)) select.add(new Option(layer.note, layer.key));
    }
    this.section.querySelectorAll("[data-with-pet]").forEach((element) => {
      element.hidden = !this.layers.pet;
    });
  }

  async image(volume) {
    return volume?.url ? volumeFrom(volume.url) : null;
  }

  // The quick CT first, then PET and what rests on it, the whole CT last: it is the largest.
  async load() {
    const { ct, pet } = this.layers;
    const synthetic = this.synthetic;
    this.arrange();
    this.visible[0]?.open(); // the graphics card gets ready while the first volume travels
    const first = [this.take("quick", ct?.quick), this.take("pet", pet?.volume)];
    await Promise.race(first);
    this.draw();
    await Promise.all([
      ...first,
      this.takeLabels(),
      this.take("synthetic", synthetic?.volume),
      this.take("difference", synthetic?.difference),
      this.takeProjections(),
    ]);
    await this.draw();
    this.mark("viewer-all-pictures");
    await this.take("ct", ct?.volume);
    await this.draw();
    this.mark("viewer-complete");
  }

  // For who measures: once the picture is on the screen.
  mark(name) {
    requestAnimationFrame(() => setTimeout(() => performance.mark(name)));
  }

  async take(name, volume) {
    try {
      const image = await this.image(volume);
      if (image) this.images[name] = image;
      else delete this.images[name];
    } catch {
      this.say(this.words("unreachable"));
    }
  }

  async takeLabels() {
    const facts = this.outlines?.volume;
    await this.take("labels", facts);
    this.regions = facts?.regions ?? [];
  }

  async takeProjections() {
    const facts = this.overPet?.projections;
    this.projections = null;
    if (!facts?.url) return;
    try {
      const [image, depth] = await Promise.all([volumeFrom(facts.url), volumeFrom(facts.depth_url)]);
      this.projections = new Projections(facts, image, depth);
    } catch {
      this.say(this.words("unreachable"));
    }
  }

  get visible() {
    return this.panels.filter((panel) => !panel.figure.hidden && panel.figure.offsetParent !== null);
  }

  // What each panel shows: its images from the bottom up, with their colours.
  recipe(kind) {
    const { quick, ct, pet, synthetic, difference, labels } = this.images;
    const window = CT_WINDOWS[this.preset.ct];
    const grey = { colormap: "gray", cal_min: window.low, cal_max: window.high };
    const wanted = this.$("labels").value;
    const marks = labels && wanted !== "none" ? [[labels, { regions: this.regions, organs: wanted === "all", opacity: 0.45 }]] : [];
    const uptake = (layer, look) => {
      const { low, high } = petScale(layer.volume, this.preset.pet);
      return { colormap: "gray", colormapInvert: true, cal_min: low, cal_max: high, ...look };
    };
    const best = ct ?? quick;
    const size = best ? best.dimsRAS[1] * best.dimsRAS[2] * best.dimsRAS[3] : 0;
    switch (kind) {
      case "ct":
        return best && [[best, grey], ...(this.flat || size < MOST_VOXELS_UNDER_LABELS ? marks : [])];
      case "pet":
        return pet && [[pet, uptake(this.layers.pet)], ...marks];
      case "synthetic":
        return synthetic && [[synthetic, uptake(this.synthetic)], ...marks];
      case "difference": {
        const reach = SUV_WINDOWS[this.preset.pet].high / 2;
        return difference && [[difference, { colormap: "difference", cal_min: -reach, cal_max: reach }], ...marks];
      }
      case "fusion": {
        const over = this.overPet === this.layers.pet ? pet : synthetic;
        if (!over || !(quick ?? ct)) return null;
        const look = uptake(this.overPet, { colormap: "fused", colormapInvert: false, opacity: 0.6 });
        return [[quick ?? ct, grey], [over, look], ...marks];
      }
      default:
        return this.projections && [[this.projections.image, uptake(this.overPet)]];
    }
  }

  // Draws what there is now; asked again meanwhile, it draws once more, never twice at a time.
  draw() {
    this.stale = true;
    this.drawing ??= this.drawAll().finally(() => (this.drawing = null));
    return this.drawing;
  }

  async drawAll() {
    while (this.stale) {
      this.stale = false;
      this.arrange();
      if (!this.mm) this.centre();
      for (const panel of this.visible) await this.drawPanel(panel);
    }
    this.moveTo(this.mm);
  }

  async drawPanel(panel) {
    if (!this.recipe(panel.kind)) return;
    await panel.open();
    const layers = this.recipe(panel.kind); // what came while the panel opened is shown at once
    if (!layers) return;
    const shown = JSON.stringify(layers.map(([image, look]) => [image.id, look.regions && look.organs]));
    if (panel.shown === shown) panel.restyle(layers.map(([, { regions, organs, ...look }]) => look));
    else panel.show(layers);
    panel.shown = shown;
    this.caption(panel, layers);
    if (this.section.dataset.state !== "ready") {
      this.section.dataset.state = "ready";
      this.mark("viewer-first-picture");
      this.$("pictures").hidden = true;
      this.say("");
    }
    await new Promise(requestAnimationFrame); // the picture is seen before the next panel opens
  }

  centre() {
    const image = this.images.pet ?? this.images.quick;
    if (!image) return;
    const middle = image.dimsRAS.slice(1, 4).map((size) => Math.floor(size / 2));
    this.mm = [...image.vox2mm(middle, image.matRAS)].slice(0, 3);
  }

  // A panel was pointed at; in projections the place is the brightest voxel behind the pixel.
  pointed(panel, mm) {
    if (this.moving) return;
    if (panel.kind === "mip") {
      const before = this.turn;
      this.turn = this.projections.stepAt(mm);
      const place = this.turn === before ? this.projections.fromPanel([mm[0], mm[1], mm[2]], this.turn) : null;
      this.moveTo(place ?? this.mm);
      return;
    }
    this.moveTo([mm[0], mm[1], mm[2]], panel);
    this.zoomLike(panel);
  }

  moveTo(mm, from = null) {
    if (!mm) return;
    this.mm = [...mm];
    this.moving = true;
    for (const panel of this.visible) {
      if (panel === from || !panel.drawn) continue;
      if (panel.kind === "mip") this.turnTo(panel);
      else panel.place(this.mm);
    }
    this.moving = false;
    this.readOut();
  }

  turnTo(panel) {
    if (!this.projections || !panel.drawn) return;
    panel.place(this.projections.toPanel(this.mm, this.turn));
    const [left, right] = this.projections.sides(this.turn);
    panel.figure.querySelector("[data-side=left]").textContent = left;
    panel.figure.querySelector("[data-side=right]").textContent = right;
  }

  zoomLike(panel) {
    const zoom = panel.zoomed();
    if (JSON.stringify(zoom) === JSON.stringify(this.zoomNow)) return;
    this.zoomNow = zoom;
    for (const other of this.visible) {
      if (other !== panel && other.kind !== "mip" && other.drawn) other.zoom(zoom);
    }
  }

  // One slice up or down: as thick as those of the PET, else of the CT.
  step(slices) {
    const image = this.images.pet ?? this.images.ct ?? this.images.quick;
    if (!image || !this.mm) return;
    const axis = PLANES[this.plane].axis;
    const place = [...this.mm];
    place[axis] += slices * image.pixDimsRAS[axis + 1];
    this.moveTo(place);
  }

  turnBy(steps) {
    if (!this.projections) return;
    this.turn = (this.turn + steps + this.projections.angles) % this.projections.angles;
    this.moveTo(this.mm);
  }

  readOut() {
    const { ct, pet, synthetic, difference, labels } = this.images;
    const value = (image) => (image && this.mm ? valueAt(image, this.mm) : null);
    const [x, y, z] = this.mm ?? [0, 0, 0];
    const side = (a, positive, negative) => `${Math.abs(a).toFixed(1)} ${a < 0 ? negative : positive}`;
    this.write("place", `${side(x, "R", "L")} · ${side(y, "A", "P")} · ${side(z, "S", "I")} mm`);
    this.write("ct", number(value(ct), 0), "HU");
    this.write("pet", number(value(pet), 2), this.layers.pet?.volume?.unit);
    this.write("synthetic", number(value(synthetic), 2), this.synthetic?.volume?.unit);
    this.write("difference", signed(value(difference), 2), "SUV");
    const label = value(labels);
    this.write("region", label ? this.regions[Math.round(label) - 1] : "");
  }

  write(name, text, unit = "") {
    const place = this.section.querySelector(`[data-read="${name}"]`);
    if (!place) return;
    place.textContent = text === "" ? "–" : `${text} ${unit === "SUVbw" ? "SUV" : (unit ?? "")}`.trim();
  }

  caption(panel, layers) {
    const place = panel.figure.querySelector("[data-scale]");
    if (!place) return;
    const look = layers[panel.kind === "fusion" ? 1 : 0][1];
    const units = { ct: "HU", difference: "SUV" };
    const unit = units[panel.kind] ?? (panel.kind === "synthetic" ? this.synthetic : panel.kind === "pet" ? this.layers.pet : this.overPet).volume.unit;
    const note = ["synthetic", "difference"].includes(panel.kind) ? ` · ${this.synthetic.note}` : "";
    place.textContent = `${tidy(look.cal_min)} … ${tidy(look.cal_max)} ${unit === "SUVbw" ? "SUV" : unit}${note}`;
    const quick = panel.kind === "ct" && !this.images.ct;
    panel.figure.querySelector("[data-quick]")?.toggleAttribute("hidden", !quick);
  }

  choose({ ct, pet }) {
    if (ct) this.preset.ct = ct;
    if (pet) this.preset.pet = pet;
    this.section.querySelectorAll("[data-preset]").forEach((button) => {
      const { ct: window, pet: scale } = button.dataset;
      button.setAttribute("aria-pressed", String(window === this.preset.ct || scale === this.preset.pet));
    });
    this.draw();
  }

  setPlane(plane) {
    this.plane = plane;
    for (const panel of this.panels) panel.setPlane(plane);
    this.section.querySelectorAll("[data-plane]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.plane === plane));
    });
    this.moveTo(this.mm);
  }

  // Another case in the same panels: what was there goes, and its own way of hanging comes.
  async change(layersUrl, { plane, ct, pet, mm, asked }) {
    this.section.dataset.layersUrl = layersUrl;
    this.section.dataset.state = "loading";
    this.images = {};
    this.zoomNow = null;
    this.mm = mm ?? null;
    this.plane = plane;
    this.preset = { ct, pet };
    for (const panel of this.panels) {
      panel.shown = null;
      panel.zoom([0, 0, 0, 1]);
    }
    this.setPlane(plane);
    this.choose(this.preset);
    await this.refresh({ asked });
  }

  reset() {
    this.turn = 0;
    this.zoomNow = null;
    this.mm = null;
    this.preset = { ct: "mediastinum", pet: "suv7" };
    for (const panel of this.panels) panel.zoom([0, 0, 0, 1]);
    this.setPlane("axial");
    this.choose(this.preset);
  }

  // While outlines are drawn, nothing synthetic is in sight: they belong to the reference PET.
  hideSynthetic(hidden) {
    this.outlining = hidden;
    this.$("hidden-while-drawing").hidden = !(hidden && this.synthetic);
    this.takeProjections().then(() => this.draw());
  }

  // Which panels there are, and on a small screen which one is in sight.
  arrange() {
    const there = {
      ct: this.layers.ct,
      pet: this.layers.pet,
      synthetic: this.synthetic && !this.outlining,
      difference: this.synthetic?.difference?.url && !this.outlining,
      fusion: this.layers.ct && this.overPet?.volume?.url,
      mip: this.overPet?.projections?.url,
    };
    const synthetics = this.outlining ? 0 : Object.values(this.layers).filter((layer) => layer.synthetic).length;
    this.section.querySelectorAll("[data-with-synthetic]").forEach((element) => {
      element.hidden = synthetics < (element.dataset.withSynthetic === "many" ? 2 : 1);
    });
    const tabs = [...this.section.querySelectorAll("[data-tab]")];
    if (!there[this.tab]) this.tab = tabs.find((tab) => there[tab.dataset.tab])?.dataset.tab;
    for (const panel of this.panels) {
      panel.figure.hidden = !there[panel.kind] || (PHONE.matches && panel.kind !== this.tab);
      const layer = ["fusion", "mip"].includes(panel.kind) ? this.overPet : this.synthetic;
      const banner = panel.figure.querySelector("[data-banner]");
      if (banner) banner.hidden = !layer?.synthetic;
    }
    tabs.forEach((tab) => {
      tab.hidden = !there[tab.dataset.tab];
      tab.setAttribute("aria-pressed", String(tab.dataset.tab === this.tab));
    });
    this.section.dataset.panels = String(this.panels.filter((panel) => !panel.figure.hidden).length);
    const reason = this.layers.pet?.volume?.reason ?? "";
    this.$("reason").textContent = reason;
    this.$("reason").hidden = !reason;
  }

  showTab(tab) {
    this.tab = tab;
    this.draw();
  }

  equip() {
    const on = (selector, act) => this.section.querySelectorAll(selector).forEach((element) => element.addEventListener("click", () => act(element)));
    on("[data-preset]", (button) => this.choose(button.dataset));
    on("[data-plane]", (button) => this.setPlane(button.dataset.plane));
    on("[data-tab]", (button) => this.showTab(button.dataset.tab));
    on("[data-step]", (button) => this.step(Number(button.dataset.step)));
    on("[data-turn]", (button) => this.turnBy(Number(button.dataset.turn)));
    on("[data-viewer-reset]", () => this.reset());
    on("[data-viewer-help]", () => this.$("keys").showModal());
    this.$("drawing").value = chosenDrawing();
    this.$("drawing").addEventListener("change", () => {
      chooseDrawing(this.$("drawing").value);
      window.location.reload();
    });
    this.$("labels")?.addEventListener("change", () => this.draw());
    this.$("overlaid")?.addEventListener("change", () => this.takeProjections().then(() => this.draw()));
    this.$("synthetic").addEventListener("change", () => this.load());
    PHONE.addEventListener("change", () => this.draw());
    for (const panel of this.panels) {
      panel.canvas.addEventListener("pointerup", () => requestAnimationFrame(() => panel.drawn && panel.kind !== "mip" && this.zoomLike(panel)));
    }
    document.addEventListener("keydown", (event) => this.pressed(event), true);
    // Double clicks and keys of NiiVue's own would change windows that the buttons then no longer show.
    for (const kind of ["dblclick", "keyup"]) {
      this.section.addEventListener(kind, (event) => event.target.tagName === "CANVAS" && event.stopPropagation(), true);
    }
  }

  pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const onCanvas = event.target.tagName === "CANVAS";
    if (!onCanvas && event.target.closest("input, select, textarea, dialog[open], [contenteditable]")) return;
    const name = this.section.dataset.keys === "letters" ? "letter" : "key";
    const preset = PRESETS.find((one) => one[name] === event.key);
    const acts = {
      ArrowUp: () => this.step(1),
      ArrowRight: () => this.step(1),
      ArrowDown: () => this.step(-1),
      ArrowLeft: () => this.step(-1),
      PageUp: () => this.step(10),
      PageDown: () => this.step(-10),
      a: () => this.setPlane("axial"),
      c: () => this.setPlane("coronal"),
      s: () => this.setPlane("sagittal"),
      r: () => this.reset(),
      "?": () => this.$("keys").showModal(),
    };
    const act = preset ? () => this.choose(preset) : acts[event.key];
    // Keys that scroll the page do so as long as nothing of the viewer was pointed at.
    if (!act || (event.key.length > 1 && !this.section.contains(event.target))) {
      if (onCanvas) event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function number(value, digits) {
  return value === null || Number.isNaN(value) ? "" : value.toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1").replace("-", "−");
}

function signed(value, digits) {
  const text = number(value, digits);
  return value > 0 && text !== "" ? `+${text}` : text;
}

function tidy(value) {
  const text = Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toFixed(1)));
  return text.replace("-", "−");
}
