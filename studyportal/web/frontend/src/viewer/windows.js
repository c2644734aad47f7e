// Windows and colours. PET is shown dark on white, as reports print it; a difference is blue below and red above zero.
export const CT_WINDOWS = {
  lung: { low: -1350, high: 150 },
  mediastinum: { low: -160, high: 240 },
  bone: { low: -500, high: 1300 },
};
export const SUV_WINDOWS = { suv7: { low: 0, high: 7 }, suv20: { low: 0, high: 20 } };

// Keys 1 to 5 in the order of the buttons; letters where digits are answers.
export const PRESETS = [
  { key: "1", letter: "l", ct: "lung" },
  { key: "2", letter: "m", ct: "mediastinum" },
  { key: "3", letter: "p", pet: "suv7" },
  { key: "4", letter: "o", pet: "suv20" },
  { key: "5", letter: "b", ct: "bone" },
];

export const DIFFERENCE = {
  R: [20, 120, 255, 255, 150],
  G: [60, 170, 255, 140, 10],
  B: [160, 255, 255, 110, 30],
  A: [255, 255, 255, 255, 255],
  I: [0, 64, 128, 192, 255],
};
export const FUSED = {
  R: [0, 140, 255, 255, 255],
  G: [0, 0, 90, 200, 255],
  B: [0, 0, 0, 20, 210],
  A: [0, 90, 190, 220, 235],
  I: [0, 48, 110, 190, 255],
};

const REGION_COLOURS = [
  [255, 64, 64], [64, 200, 255], [255, 196, 0], [120, 255, 120], [255, 120, 255], [255, 140, 40],
];
const ORGAN_COLOUR = [150, 190, 170];

// One colour a lesion or node; organs share a quiet one, and are drawn only where they are wanted.
export function labelColours(regions, organs) {
  const isOrgan = (name) => name.startsWith("organ:");
  const others = regions.filter((name) => !isOrgan(name));
  const colours = regions.map((name) => (isOrgan(name) ? ORGAN_COLOUR : REGION_COLOURS[others.indexOf(name) % REGION_COLOURS.length]));
  return {
    R: [0, ...colours.map((c) => c[0])],
    G: [0, ...colours.map((c) => c[1])],
    B: [0, ...colours.map((c) => c[2])],
    A: [0, ...regions.map((name) => (isOrgan(name) && !organs ? 0 : 255))],
    I: [0, ...regions.map((_, n) => n + 1)],
    labels: ["", ...regions],
  };
}

// The scale of a PET: the chosen SUV window; for values without SUV the image's own range, and no SUV is claimed.
export function petScale(volume, preset) {
  if (volume.unit.startsWith("SUV")) return SUV_WINDOWS[preset];
  return { low: Math.min(0, volume.low), high: volume.high };
}
