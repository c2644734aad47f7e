// Numbers of lesions on the pictures: beside the place itself on its slice, faint on the slices next to it.
import { PLANES } from "./flat.js";

const NEAR_MM = 8;
const KINDS = ["ct", "pet", "fusion"];

export class Numbers {
  constructor(viewer) {
    this.viewer = viewer;
    this.lesions = []; // { number, mm }
  }

  set(lesions, current = null) {
    this.lesions = lesions;
    this.current = current;
    for (const panel of this.viewer.panels) this.lay(panel);
  }

  // Called whenever a panel was painted: slice, zoom or size may be others than before.
  lay(panel) {
    if (!KINDS.includes(panel.kind) || (!this.lesions.length && !panel.pins)) return;
    panel.pins ??= this.layer(panel);
    panel.pins.replaceChildren(...this.lesions.map((lesion) => this.pin(panel, lesion)).filter(Boolean));
  }

  layer(panel) {
    const layer = Object.assign(document.createElement("div"), { className: "viewer__pins" });
    layer.setAttribute("aria-hidden", "true"); // the questions say the numbers, too
    panel.canvas.after(layer);
    return layer;
  }

  pin(panel, { number, mm }) {
    const { mm: here, plane } = this.viewer;
    const axis = PLANES[plane].through;
    const away = here ? Math.abs(here[axis] - mm[axis]) : Infinity;
    const pixel = away <= NEAR_MM && panel.drawn ? panel.toScreen(mm) : null;
    if (!pixel) return null;
    const pin = Object.assign(document.createElement("span"), { className: "viewer__pin", textContent: number });
    pin.dataset.lesion = number;
    pin.toggleAttribute("data-near", away > this.halfSlice(panel, axis));
    pin.toggleAttribute("data-current", String(number) === String(this.current));
    pin.style.left = `${pixel[0]}px`;
    pin.style.top = `${pixel[1]}px`;
    return pin;
  }

  halfSlice(panel, axis) {
    return Math.max(0.5, panel.base.pixDimsRAS[axis + 1] / 2) + 0.05; // places are written to 0.1 mm
  }
}
