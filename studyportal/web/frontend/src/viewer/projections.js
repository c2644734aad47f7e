// Rotating projections: where a place of the body appears in them, and which place a projection's pixel came from.
//
// The file has one projection a row of its second axis. With u across and v along the rays (mm from the middle of
// the slice), a place is x = u cos a - v sin a, y = u sin a + v cos a in the image's own axes, which are those of
// the PET; see studyportal/imaging/rules/projections.py.
import { valueAt } from "./volumes.js";

export class Projections {
  constructor(facts, image, depth) {
    [this.planes, this.angles, this.columns] = facts.shape;
    [this.planeMm, , this.columnMm] = facts.spacing_mm;
    this.rows = facts.rows;
    this.rowMm = facts.row_mm;
    this.origin = facts.origin_mm;
    this.signs = [0, 1, 2].map((axis) => Math.sign(facts.direction[axis][axis]));
    this.image = image;
    this.depth = depth;
  }

  angle(step) {
    return (2 * Math.PI * step) / this.angles;
  }

  // Index in the PET of a place (RAS, mm); axes x, y, z of the image. Its axes may lean by rounding only.
  index(mm) {
    const lps = [-mm[0], -mm[1], mm[2]];
    const edges = [this.columnMm, this.rowMm, this.planeMm];
    return lps.map((value, axis) => ((value - this.origin[axis]) * this.signs[axis]) / edges[axis]);
  }

  place(index) {
    const edges = [this.columnMm, this.rowMm, this.planeMm];
    const lps = index.map((value, axis) => this.origin[axis] + value * edges[axis] * this.signs[axis]);
    return [-lps[0], -lps[1], lps[2]];
  }

  // Where the panel's crosshair stands for a place, turned by `step`: its own mm, since the file's y is the step.
  toPanel(mm, step) {
    const [x, y, z] = this.index(mm);
    const a = this.angle(step);
    const across = (x - (this.columns - 1) / 2) * this.columnMm;
    const along = (y - (this.rows - 1) / 2) * this.rowMm;
    const u = across * Math.cos(a) + along * Math.sin(a);
    return this.panelPlace(u / this.columnMm + (this.columns - 1) / 2, step, z);
  }

  panelPlace(column, step, plane) {
    const lps = [
      this.origin[0] + column * this.columnMm * this.signs[0],
      this.origin[1] + step * this.signs[1],
      this.origin[2] + plane * this.planeMm * this.signs[2],
    ];
    return [-lps[0], -lps[1], lps[2]];
  }

  // The place of the brightest voxel behind a pixel of the panel.
  fromPanel(panelMm, step) {
    const deep = valueAt(this.depth, panelMm);
    if (deep === null) return null;
    const lps = [-panelMm[0], -panelMm[1], panelMm[2]];
    const column = ((lps[0] - this.origin[0]) * this.signs[0]) / this.columnMm;
    const plane = ((lps[2] - this.origin[2]) * this.signs[2]) / this.planeMm;
    const u = (column - (this.columns - 1) / 2) * this.columnMm;
    const v = (deep - (this.rows - 1) / 2) * this.rowMm;
    const a = this.angle(step);
    const x = (u * Math.cos(a) - v * Math.sin(a)) / this.columnMm + (this.columns - 1) / 2;
    const y = (u * Math.sin(a) + v * Math.cos(a)) / this.rowMm + (this.rows - 1) / 2;
    return this.place([x, y, plane]);
  }

  stepAt(panelMm) {
    const y = (-panelMm[1] - this.origin[1]) * this.signs[1];
    return Math.min(this.angles - 1, Math.max(0, Math.round(y)));
  }

  // Which side of the patient is on the left and the right of the picture.
  sides(step) {
    const a = this.angle(step);
    const across = [Math.cos(a), Math.sin(a) * this.signs[0] * this.signs[1]];
    const name = (x, y) => (Math.abs(x) > 0.4 ? (x > 0 ? "L" : "R") : "") + (Math.abs(y) > 0.4 ? (y > 0 ? "P" : "A") : "");
    return [name(-across[0], -across[1]), name(across[0], across[1])];
  }
}
