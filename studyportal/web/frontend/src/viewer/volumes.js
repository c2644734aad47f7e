// Volumes from the portal: each address is fetched and unpacked once, whatever number of panels shows it.
import { NVImage } from "@niivue/niivue";

const kept = new Map();

export function volumeFrom(url) {
  if (!kept.has(url)) {
    const coming = NVImage.loadFromUrl({ url, name: url.split("/").pop(), colorbarVisible: false });
    coming.catch(() => kept.delete(url));
    kept.set(url, coming);
  }
  return kept.get(url);
}

// What no address of these is any more makes room for the next case.
export function keepOnly(urls) {
  for (const url of kept.keys()) if (!urls.has(url)) kept.delete(url);
}

// The same voxels with colours of their own, for another panel; NiiVue's clone() would copy a whole CT.
export function twin(image, look) {
  const other = Object.assign(Object.create(Object.getPrototypeOf(image)), image);
  other.id = crypto.randomUUID?.() ?? `twin-${Math.random()}`;
  return Object.assign(other, look);
}

// The value of the voxel at a place (RAS, mm), or null outside the image.
export function valueAt(image, mm) {
  const voxel = image.mm2vox([...mm]).map(Math.round);
  const size = image.dimsRAS;
  if (voxel.some((index, axis) => index < 0 || index >= size[axis + 1])) return null;
  return image.getValue(...voxel);
}
