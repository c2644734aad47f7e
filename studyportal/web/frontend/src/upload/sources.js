// What a person chose, as a flat list of {name, size, read(), part()}; a zip is looked into, not unpacked.
import { sha256 as sha256Slowly } from "@noble/hashes/sha2.js";
import { entriesOf, isZip } from "./zip.js";

const LEFT_OUT = /^(\.|Thumbs\.db$|desktop\.ini$|__MACOSX$)/i;
const SIDE_BY_SIDE = 4;

const wanted = (name) => !name.split(/[/\\]/).some((part) => LEFT_OUT.test(part));

export class FileGone extends Error {
  constructor(name) {
    super(name);
    this.file = name;
  }
}

export async function sourcesOf(chosen) {
  const found = [];
  for (const { file, path } of chosen) {
    if (!wanted(path)) continue;
    if (isZip(path)) {
      const entries = await entriesOf(file, wanted);
      found.push(...entries.map((entry) => ({ ...entry, part: entry.read })));
    } else {
      found.push({ name: path, size: file.size, read: () => bytesOf(file, path), part: async () => file });
    }
  }
  return found;
}

async function bytesOf(file, name) {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new FileGone(name);
  }
}

// Adds the SHA-256 of each; `step(bytes)` after every file, and nothing more once `stopped()`.
export async function addDigests(sources, { step, stopped }) {
  const queue = sources.filter((source) => !source.sha256);
  const lane = async () => {
    for (let next = queue.shift(); next && !stopped(); next = queue.shift()) {
      next.sha256 = await digest(await next.read());
      step(next.size);
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, lane));
}

// Browsers keep their own SHA-256 from pages that came over plain http from another machine.
async function digest(bytes) {
  const found = self.crypto?.subtle ? new Uint8Array(await self.crypto.subtle.digest("SHA-256", bytes)) : sha256Slowly(bytes);
  return [...found].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
