// One picture of the viewer: a canvas, its caption, and the volumes it shows.
import { DRAG_MODE, Niivue, SLICE_TYPE } from "@niivue/niivue";
import { DIFFERENCE, FUSED, labelColours } from "./windows.js";
import { twin } from "./volumes.js";

export const PLANES = {
  axial: { slice: SLICE_TYPE.AXIAL, axis: 2 },
  coronal: { slice: SLICE_TYPE.CORONAL, axis: 1 },
  sagittal: { slice: SLICE_TYPE.SAGITTAL, axis: 0 },
};

const OPTIONS = {
  isRadiologicalConvention: true,
  crosshairColor: [0.15, 0.75, 0.45, 0.9],
  crosshairWidth: 1,
  crosshairWidthUnit: "mm",
  crosshairGap: 10,
  fontMinPx: 14,
  showAllOrientationMarkers: true,
  isColorbar: false,
  dragAndDropEnabled: false,
  dragMode: DRAG_MODE.pan,
  // The portal has keys of its own; NiiVue's would act besides.
  clipPlaneHotKey: "",
  cycleClipPlaneHotKey: "",
  viewModeHotKey: "",
  logLevel: "error",
  loadingText: "",
  isNearestInterpolation: false,
  penSize: 2,
};

export class Panel {
  constructor(figure, viewer) {
    this.figure = figure;
    this.viewer = viewer;
    this.kind = figure.dataset.panel;
    this.canvas = figure.querySelector("canvas");
    this.nv = null;
    this.base = null; // the image whose grid the panel has
  }

  get drawn() {
    return Boolean(this.nv?.volumes.length);
  }

  open() {
    this.opening ??= this.attach();
    return this.opening;
  }

  async attach() {
    const white = !["ct", "fusion"].includes(this.kind);
    const nv = new Niivue({
      ...OPTIONS,
      backColor: white ? [1, 1, 1, 1] : [0, 0, 0, 1],
      fontColor: white ? [0.45, 0.3, 0, 1] : [0.95, 0.75, 0.2, 1],
      isOrientationTextVisible: this.kind !== "mip",
    });
    nv.meshShaders.length = 0; // none is drawn, and compiling them is half of the time to the first picture
    await nv.attachToCanvas(this.canvas, false);
    if (white) this.canvas.parentElement.style.backgroundColor = "white"; // NiiVue paints it black
    nv.addColormap("difference", DIFFERENCE);
    nv.addColormap("fused", FUSED);
    nv.onLocationChange = (place) => this.viewer.pointed(this, place.mm);
    this.nv = nv;
    const draw = nv.drawScene.bind(nv);
    nv.drawScene = () => {
      draw();
      this.viewer.numbers.lay(this);
    };
    this.setPlane(this.viewer.plane);
  }

  // Where a place lies on the canvas, in pixels of the page.
  toScreen(mm) {
    const pixel = this.nv.frac2canvasPos(this.nv.mm2frac([...mm], 0, true));
    const dense = this.canvas.width / (this.canvas.clientWidth || 1);
    return pixel && [pixel[0] / dense, pixel[1] / dense];
  }

  // `layers` are [image, look]; the first one is the grid of the panel.
  show(layers) {
    const nv = this.nv;
    this.base = layers[0][0];
    // Set at once: NiiVue's addVolume and removeVolume send every layer to the graphics card each time.
    nv.volumes = layers.map(([image, look]) => {
      const { regions, organs, ...colours } = look;
      const shown = twin(image, colours);
      if (regions) shown.setColormapLabel(labelColours(regions, organs));
      return shown;
    });
    nv.back = nv.volumes[0];
    nv.overlays = nv.volumes.slice(1);
    nv.updateGLVolume();
    this.figure.dataset.ready = "yes";
    this.place(this.viewer.mm);
  }

  // Other windows on what is shown already.
  restyle(looks) {
    looks.forEach((look, index) => {
      if (this.nv.volumes[index]) Object.assign(this.nv.volumes[index], look);
    });
    this.nv.updateGLVolume();
  }

  setPlane(plane) {
    if (!this.nv) return;
    this.nv.setSliceType(this.kind === "mip" ? SLICE_TYPE.CORONAL : PLANES[plane].slice);
  }

  place(mm) {
    if (!this.nv?.volumes.length || !mm) return;
    this.nv.scene.crosshairPos = this.nv.mm2frac([...mm], 0, true);
    this.nv.drawScene();
  }

  zoomed() {
    return [...this.nv.scene.pan2Dxyzmm];
  }

  zoom(to) {
    if (!this.nv) return;
    this.nv.scene.pan2Dxyzmm.splice?.(0, 4, ...to) ?? this.nv.scene.pan2Dxyzmm.set(to);
    this.nv.drawScene();
  }
}
