// Where a region is drawn: on NiiVue's bitmap, or on a mask of our own where the processor draws. Both have one face.
import { NVImage } from "@niivue/niivue";
import { tables } from "./colours.js";
import { twin } from "./volumes.js";

const OPACITY = 0.55;
const STEPS_BACK = 20;
const MODES = { look: null, brush: 1, erase: 0 };

export const boardOf = (panel, viewer) => (viewer.flat ? new FlatBoard(panel, viewer) : new CardBoard(panel));

class CardBoard {
  constructor(panel) {
    this.panel = panel;
    panel.canvas.addEventListener("pointerup", () => this.mode && this.mode !== "look" && this.drew?.());
  }

  get nv() {
    return this.panel.nv;
  }

  setMode(mode, size) {
    this.mode = mode;
    if (!this.nv?.volumes.length) return;
    if (MODES[mode] === null) {
      this.nv.setDrawingEnabled(false);
      return;
    }
    if (!this.nv.drawBitmap) this.nv.createEmptyDrawing();
    this.setSize(size);
    this.nv.setDrawingEnabled(true);
    this.nv.setPenValue(MODES[mode], false);
  }

  setSize(size) {
    if (this.nv) this.nv.opts.penSize = size;
  }

  undo() {
    this.nv.drawUndo();
  }

  clear() {
    if (this.nv?.drawBitmap) this.nv.closeDrawing();
  }

  async show(base64) {
    const image = await NVImage.loadFromBase64({ base64, name: "drawing.nii.gz" });
    if (!this.nv.loadDrawing(image)) return false;
    this.nv.setDrawOpacity(OPACITY);
    return true;
  }

  async file() {
    return packed(await this.nv.saveImage({ filename: "", isSaveDrawing: true }));
  }
}

class FlatBoard {
  constructor(panel, viewer) {
    this.panel = panel;
    this.viewer = viewer;
    this.past = [];
    this.size = 2;
    panel.draws = (mm, event) => this.stroke(mm, event);
  }

  get pet() {
    return this.viewer.images.pet;
  }

  setMode(mode, size) {
    this.mode = mode;
    this.setSize(size);
    if (MODES[mode] !== null && MODES[mode] !== undefined && this.pet) this.mask ??= this.empty();
    this.lay();
  }

  setSize(size) {
    this.size = size;
  }

  empty() {
    return new Uint8Array(this.pet.dimsRAS[1] * this.pet.dimsRAS[2] * this.pet.dimsRAS[3]);
  }

  undo() {
    if (this.past.length) this.mask = this.past.pop();
    this.lay();
  }

  clear() {
    this.mask = null;
    this.past = [];
    this.lay();
  }

  async show(base64) {
    const image = await NVImage.loadFromBase64({ base64, name: "drawing.nii.gz" });
    if (!this.pet || image.img.length !== this.empty().length) return false;
    this.mask = Uint8Array.from(image.img, (value) => (value ? 1 : 0));
    this.past = [];
    this.lay();
    return true;
  }

  // The mask as the topmost layer of the panel: the voxels of the PET with other values.
  lay() {
    const look = { regions: ["drawing"], organs: true, opacity: OPACITY };
    const header = this.pet && { ...this.pet.hdr, scl_slope: 1, scl_inter: 0 };
    this.panel.drawing = this.mask && { image: twin(this.pet, { img: this.mask, hdr: header }), look, table: tables(look) };
    this.panel.paint();
  }

  // True when the pointer drew; a stroke begins where the button goes down.
  stroke(mm, event) {
    const value = MODES[this.mode];
    if (value === null || value === undefined || !this.mask) return false;
    const begins = event.type === "pointerdown";
    if (begins) {
      this.past = [...this.past.slice(1 - STEPS_BACK), this.mask.slice()];
      this.last = mm;
    }
    this.line(this.last ?? mm, mm, value);
    this.last = mm;
    this.panel.drawing.slice = null;
    this.panel.place(mm);
    this.viewer.pointed(this.panel, mm);
    this.drew?.();
    return true;
  }

  // Dots from one place to the other, no further apart than a voxel.
  line(from, to, value) {
    const [a, b] = [from, to].map((mm) => this.pet.mm2vox([...mm]));
    const steps = Math.max(1, Math.ceil(Math.max(...[0, 1, 2].map((axis) => Math.abs(b[axis] - a[axis])))));
    for (let n = 0; n <= steps; n += 1) {
      this.dot([0, 1, 2].map((axis) => Math.round(a[axis] + ((b[axis] - a[axis]) * n) / steps)), value);
    }
  }

  // A disc of the brush's width in the slice that is seen.
  dot(centre, value) {
    const { across, up } = this.panel.plane;
    const radius = this.size / 2;
    const reach = Math.floor(radius);
    for (let u = -reach; u <= reach; u += 1) {
      for (let v = -reach; v <= reach; v += 1) {
        if (u * u + v * v > radius * radius) continue;
        const voxel = [...centre];
        voxel[across] += u;
        voxel[up] += v;
        this.set(voxel, value);
      }
    }
  }

  set(voxel, value) {
    const { dimsRAS: size, img2RASstep: step, img2RASstart: start } = this.pet;
    if (voxel.some((index, axis) => index < 0 || index >= size[axis + 1])) return;
    this.mask[[0, 1, 2].reduce((place, axis) => place + start[axis] + voxel[axis] * step[axis], 0)] = value;
  }

  async file() {
    return packed(new Blob([niftiHeader(this.pet.hdr), this.mask]));
  }
}

// Header of bytes on the grid of another image: fields and offsets of nifti1.h.
function niftiHeader({ dims, pixDims, affine }) {
  const header = new DataView(new ArrayBuffer(352));
  header.setInt32(0, 348, true);
  [3, dims[1], dims[2], dims[3], 1, 1, 1, 1].forEach((size, n) => header.setInt16(40 + 2 * n, size, true));
  header.setInt16(70, 2, true); // unsigned bytes
  header.setInt16(72, 8, true);
  [1, pixDims[1], pixDims[2], pixDims[3]].forEach((edge, n) => header.setFloat32(76 + 4 * n, edge, true));
  header.setFloat32(108, 352, true);
  header.setFloat32(112, 1, true);
  header.setInt8(123, 2); // mm
  header.setInt16(254, 1, true); // the rows below place it
  affine.slice(0, 3).forEach((row, n) => row.forEach((value, m) => header.setFloat32(280 + 16 * n + 4 * m, value, true)));
  [0x6e, 0x2b, 0x31, 0].forEach((byte, n) => header.setUint8(344 + n, byte));
  return header.buffer;
}

async function packed(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
