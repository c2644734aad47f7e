// The viewer of a pair: CT, PET, synthetic PET, difference, fusion and projections with one crosshair.
import { Outlining } from "./viewer/outlining.js";
import { Viewer } from "./viewer/viewer.js";

document.addEventListener("DOMContentLoaded", async () => {
  const section = document.querySelector("[data-viewer]");
  if (!section) return;
  const viewer = new Viewer(section);
  window.pairViewer = viewer; // browser tests ask it where it points
  await viewer.begin();
  const tools = section.querySelector("[data-outlining]");
  if (tools) new Outlining(tools, viewer);
});
