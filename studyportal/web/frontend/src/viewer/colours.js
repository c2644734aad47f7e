// Colour tables of the pictures that the processor draws: 256 steps of a scale, or one colour a region.
import { DIFFERENCE, FUSED, labelColours } from "./windows.js";

const GRAY = { R: [0, 255], G: [0, 255], B: [0, 255], A: [255, 255], I: [0, 255] };
const SCALES = { gray: GRAY, difference: DIFFERENCE, fused: FUSED };

// The colours of a look as little-endian RGBA words.
export function tables({ colormap, colormapInvert, regions, organs }) {
  if (regions) return regionTable(labelColours(regions, organs));
  const table = scaleTable(SCALES[colormap]);
  return colormapInvert ? table.reverse() : table;
}

function scaleTable({ R, G, B, A, I }) {
  return Uint32Array.from({ length: 256 }, (_, value) => {
    const next = Math.max(1, I.findIndex((stop) => stop >= value));
    const share = (value - I[next - 1]) / (I[next] - I[next - 1]);
    return word([R, G, B, A].map((one) => Math.round(one[next - 1] + share * (one[next] - one[next - 1]))));
  });
}

const regionTable = ({ R, G, B, A }) => Uint32Array.from(R, (red, n) => word([red, G[n], B[n], n ? A[n] : 0]));

const word = ([red, green, blue, alpha]) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
