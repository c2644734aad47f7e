// One picture of the viewer drawn by the processor, for browsers without a graphics card: a slice is a small picture,
// and software that imitates a card needs seconds for what takes milliseconds here. Same face as Panel.
import { tables } from "./colours.js";

export const PLANES = {
  axial: { across: 0, up: 1, through: 2, edges: ["R", "L", "A", "P"] },
  coronal: { across: 0, up: 2, through: 1, edges: ["R", "L", "S", "I"] },
  sagittal: { across: 1, up: 2, through: 0, edges: ["P", "A", "S", "I"] },
};
const CROSSHAIR = "rgb(38 191 115 / 90%)";
const GAP_PX = 10;
const LARGEST_ZOOM = 12;

export class FlatPanel {
  constructor(figure, viewer) {
    this.figure = figure;
    this.viewer = viewer;
    this.kind = figure.dataset.panel;
    this.canvas = figure.querySelector("canvas");
    this.white = !["ct", "fusion"].includes(this.kind);
    this.layers = [];
    this.pan = [0, 0, 0, 1]; // mm to the right, front and top, and how much larger
    this.mm = null;
    this.touches = new Map();
  }

  get drawn() {
    return this.layers.length > 0;
  }

  async open() {
    if (this.context) return;
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.setPlane(this.viewer.plane);
    this.equip();
    new ResizeObserver(() => this.paint()).observe(this.canvas);
  }

  show(layers) {
    this.layers = layers.map(([image, look]) => ({ image, look, table: tables(look) }));
    this.base = layers[0][0];
    this.frame = extent(this.base);
    this.figure.dataset.ready = "yes";
    this.place(this.viewer.mm);
  }

  restyle(looks) {
    looks.forEach((look, n) => {
      if (this.layers[n]) Object.assign(this.layers[n], { look: { ...this.layers[n].look, ...look }, table: tables({ ...this.layers[n].look, ...look }), slice: null });
    });
    this.paint();
  }

  setPlane(plane) {
    this.plane = PLANES[this.kind === "mip" ? "coronal" : plane];
    for (const layer of [...this.layers, this.drawing]) if (layer) layer.slice = null;
    this.paint();
  }

  place(mm) {
    if (mm) this.mm = [...mm];
    this.paint();
  }

  zoomed() {
    return [...this.pan];
  }

  zoom(to) {
    this.pan = [...to];
    this.paint();
  }

  // Everything asked for within one frame is painted once.
  paint() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      if (this.context && this.drawn && this.mm) this.paintNow();
    });
  }

  paintNow() {
    const { context, canvas } = this;
    const dense = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * dense), Math.round(canvas.clientHeight * dense)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.fillStyle = this.white ? "#ffffff" : "#000000";
    context.fillRect(0, 0, width, height);
    for (const layer of [...this.layers, this.drawing]) if (layer) this.paintLayer(layer);
    this.paintCrosshair(dense);
    this.paintEdges(dense);
    this.viewer.numbers.lay(this);
  }

  // Where a place lies on the canvas, in pixels of the page.
  toScreen(mm) {
    const dense = window.devicePixelRatio || 1;
    return this.toPixel(mm[this.plane.across], mm[this.plane.up]).map((pixel) => pixel / dense);
  }

  paintLayer(layer) {
    const picture = this.sliceOf(layer);
    if (!picture) return;
    const { across, up } = this.plane;
    const [low, high] = extent(layer.image);
    const [left, top] = this.toPixel(this.rightToLeft ? high[across] : low[across], high[up]);
    const [right, bottom] = this.toPixel(this.rightToLeft ? low[across] : high[across], low[up]);
    this.context.globalAlpha = layer.look.opacity ?? 1;
    this.context.imageSmoothingEnabled = !layer.look.regions;
    this.context.drawImage(picture, left, top, right - left, bottom - top);
    this.context.globalAlpha = 1;
  }

  // The patient's right is on the left, which in the planes seen from the side means nothing.
  get rightToLeft() {
    return this.plane.across === 0;
  }

  scale() {
    const { across, up } = this.plane;
    const [low, high] = this.frame;
    return Math.min(this.canvas.width / (high[across] - low[across]), this.canvas.height / (high[up] - low[up])) * this.pan[3];
  }

  middle(axis) {
    return (this.frame[0][axis] + this.frame[1][axis]) / 2 - this.pan[axis];
  }

  toPixel(across, up) {
    const scale = this.scale();
    const sign = this.rightToLeft ? -1 : 1;
    return [
      this.canvas.width / 2 + sign * (across - this.middle(this.plane.across)) * scale,
      this.canvas.height / 2 - (up - this.middle(this.plane.up)) * scale,
    ];
  }

  fromPixel(event) {
    const box = this.canvas.getBoundingClientRect();
    const dense = this.canvas.width / box.width;
    const scale = this.scale();
    const sign = this.rightToLeft ? -1 : 1;
    const mm = [...this.mm];
    mm[this.plane.across] = this.middle(this.plane.across) + (sign * ((event.clientX - box.left) * dense - this.canvas.width / 2)) / scale;
    mm[this.plane.up] = this.middle(this.plane.up) - ((event.clientY - box.top) * dense - this.canvas.height / 2) / scale;
    for (const axis of [this.plane.across, this.plane.up]) {
      mm[axis] = Math.min(this.frame[1][axis], Math.max(this.frame[0][axis], mm[axis]));
    }
    return mm;
  }

  // The slice through the place, in colours; kept until another one is wanted.
  sliceOf(layer) {
    const { image } = layer;
    const index = Math.round(image.mm2vox([...this.mm])[this.plane.through]);
    if (index < 0 || index >= image.dimsRAS[this.plane.through + 1]) return null;
    const name = `${this.plane.through}:${index}`;
    if (layer.slice?.name !== name) layer.slice = { name, picture: pictureOf(layer, this.plane, index, this.rightToLeft) };
    return layer.slice.picture;
  }

  paintCrosshair(dense) {
    const { context, canvas } = this;
    const [x, y] = this.toPixel(this.mm[this.plane.across], this.mm[this.plane.up]);
    const gap = GAP_PX * dense;
    context.strokeStyle = CROSSHAIR;
    context.lineWidth = dense;
    context.beginPath();
    for (const [x1, y1, x2, y2] of [[0, y, x - gap, y], [x + gap, y, canvas.width, y], [x, 0, x, y - gap], [x, y + gap, x, canvas.height]]) {
      context.moveTo(x1, y1);
      context.lineTo(x2, y2);
    }
    context.stroke();
  }

  paintEdges(dense) {
    if (this.kind === "mip") return; // its sides turn, and stand beside the canvas
    const { context, canvas } = this;
    const [left, right, top, bottom] = this.plane.edges;
    context.font = `${14 * dense}px sans-serif`;
    context.fillStyle = this.white ? "#734c00" : "#f2bf33";
    context.textBaseline = "middle";
    const inset = 6 * dense;
    const put = (letter, align, x, y) => {
      context.textAlign = align;
      context.fillText(letter, x, y);
    };
    put(left, "left", inset, canvas.height / 2);
    put(right, "right", canvas.width - inset, canvas.height / 2);
    put(top, "center", canvas.width / 2, inset + 7 * dense);
    put(bottom, "center", canvas.width / 2, canvas.height - inset - 7 * dense);
  }

  equip() {
    const { canvas } = this;
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, (event) => this.released(event));
    canvas.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
  }

  pressed(event) {
    if (!this.drawn) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.touches.set(event.pointerId, event);
    this.pinch = this.touches.size === 2 ? { apart: this.apart(), zoom: this.pan[3] } : null;
    if (this.touches.size === 1 && event.button === 0) this.point(event);
  }

  moved(event) {
    const before = this.touches.get(event.pointerId);
    if (!before || !this.drawn) return;
    this.touches.set(event.pointerId, event);
    if (this.pinch) this.enlarge((this.pinch.zoom * this.apart()) / this.pinch.apart);
    else if (event.buttons & 2) this.drag(event, before);
    else this.point(event);
  }

  released(event) {
    this.touches.delete(event.pointerId);
    if (!this.touches.size) this.pinch = null;
  }

  apart() {
    const [a, b] = [...this.touches.values()];
    return Math.max(1, Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY));
  }

  point(event) {
    const mm = this.fromPixel(event);
    if (this.draws?.(mm, event)) return; // a brush is in hand
    this.place(mm);
    this.viewer.pointed(this, mm);
  }

  enlarge(to) {
    this.pan[3] = Math.min(LARGEST_ZOOM, Math.max(1, to));
    this.paint();
    this.viewer.zoomLike(this);
  }

  drag(event, before) {
    const scale = this.scale() / (window.devicePixelRatio || 1);
    this.pan[this.plane.across] += ((this.rightToLeft ? -1 : 1) * (event.clientX - before.clientX)) / scale;
    this.pan[this.plane.up] -= (event.clientY - before.clientY) / scale;
    this.paint();
    this.viewer.zoomLike(this);
  }

  wheeled(event) {
    event.preventDefault();
    if (!this.drawn) return;
    const step = event.deltaY < 0 ? 1 : -1;
    if (event.ctrlKey) this.enlarge(this.pan[3] * (step > 0 ? 1.15 : 1 / 1.15));
    else if (this.kind === "mip") this.viewer.turnBy(step);
    else this.viewer.step(step);
  }
}

// Outer edges of an image in mm (right, front, top), which has the axes of the body.
function extent(image) {
  image.flatExtent ??= edges(image);
  return image.flatExtent;
}

function edges(image) {
  const size = image.dimsRAS.slice(1, 4);
  const first = image.vox2mm([0, 0, 0], image.matRAS);
  const last = image.vox2mm(size.map((count) => count - 1), image.matRAS);
  const half = [0, 1, 2].map((axis) => (size[axis] > 1 ? Math.abs(last[axis] - first[axis]) / (size[axis] - 1) : image.pixDimsRAS[axis + 1]) / 2);
  const low = [0, 1, 2].map((axis) => Math.min(first[axis], last[axis]) - half[axis]);
  const high = [0, 1, 2].map((axis) => Math.max(first[axis], last[axis]) + half[axis]);
  return [low, high];
}

// A slice as a picture whose first pixel is at the top left, as it is seen.
function pictureOf({ image, look, table }, plane, index, rightToLeft) {
  const [width, height] = [image.dimsRAS[plane.across + 1], image.dimsRAS[plane.up + 1]];
  const step = image.img2RASstep;
  const start = image.img2RASstart[0] + image.img2RASstart[1] + image.img2RASstart[2] + index * step[plane.through];
  const { scl_slope: slope, scl_inter: inter } = image.hdr;
  const pixels = new Uint32Array(width * height);
  const voxels = image.img;
  const [low, high] = look.regions ? [0, table.length - 1] : [look.cal_min, look.cal_max];
  const factor = (table.length - 1) / (high - low);
  const [a, b] = [(slope || 1) * factor, ((inter || 0) - low) * factor + 0.5];
  const across = rightToLeft ? -step[plane.across] : step[plane.across];
  const most = table.length - 1;
  let pixel = 0;
  for (let row = height - 1; row >= 0; row -= 1) {
    let voxel = start + row * step[plane.up] + (rightToLeft ? (width - 1) * step[plane.across] : 0);
    for (let column = 0; column < width; column += 1) {
      const value = voxels[voxel] * a + b;
      pixels[pixel] = table[value <= 0 ? 0 : value >= most ? most : value | 0];
      pixel += 1;
      voxel += across;
    }
  }
  const picture = new OffscreenCanvas(width, height);
  picture.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), width, height), 0, 0);
  return picture;
}
